import type { Store } from '../ports/store.ts';

/**
 * A store that is opened on first use. A folder or key that cannot be used then fails the calls that need the record, with a `STORE` error
 * each, and not the start of the server: health and deploys can be read also when the record cannot be written.
 */
export function lazyStore(open: () => Promise<Store>): Store {
  let opened: Promise<Store> | null = null;
  const store = (): Promise<Store> => {
    opened ??= Promise.resolve()
      .then(open)
      .catch((error: unknown) => {
        opened = null;
        throw error;
      });
    return opened;
  };
  return {
    declare: async (...args) => (await store()).declare(...args),
    append: async (...args) => (await store()).append(...args),
    incident: async (...args) => (await store()).incident(...args),
    incidents: async () => (await store()).incidents(),
    timeline: async (...args) => (await store()).timeline(...args),
    head: async (...args) => (await store()).head(...args),
    createApproval: async (...args) => (await store()).createApproval(...args),
    approval: async (...args) => (await store()).approval(...args),
    approvals: async (...args) => (await store()).approvals(...args),
    updateApproval: async (...args) => (await store()).updateApproval(...args),
    writeDocument: async (...args) => (await store()).writeDocument(...args),
    readDocument: async (...args) => (await store()).readDocument(...args),
    damaged: async () => (await store()).damaged(),
    verify: async (...args) => (await store()).verify(...args),
    watch: (onChange) => {
      let stop = (): void => {};
      let stopped = false;
      store().then(
        (ready) => {
          if (!stopped) stop = ready.watch(onChange);
        },
        () => {},
      );
      return () => {
        stopped = true;
        stop();
      };
    },
  };
}
