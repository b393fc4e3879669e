/** What the suite is run against. The README's line of tested versions is compared with this. */
export const VERSIONS = {
  kubernetes: '1.37.2',
  helm3: '3.22.0',
  helm4: '4.3.1',
  kwok: '0.8.0',
  /** Where none is installed; Debian's reads its templates only from where it is installed, so it cannot be unpacked into the cache. */
  alertmanager: '0.28.1',
} as const;
