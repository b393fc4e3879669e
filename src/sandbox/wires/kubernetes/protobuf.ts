/**
 * The wire format of Protocol Buffers, as far as messages of the Kubernetes API need it: reading by a table of fields into
 * the form that the same message has in JSON. Source: https://protobuf.dev/programming-guides/encoding/
 */

/** How the value of a field is written, and what it becomes in JSON: `bytes` are base64, a `time` is RFC 3339 in UTC. */
export type FieldType = 'string' | 'bytes' | 'int' | 'bool' | 'time' | Message;

export interface Field {
  name: string;
  type: FieldType;
  /** A list, or a map whose values have the type. */
  many?: 'list' | 'map';
}

/** The fields of a message by their numbers. Others are left out, as a reader of an older schema does. */
export type Message = ReadonlyMap<number, Field>;

/** Bytes that are no message of the format, or not of the table. */
export class ProtobufError extends Error {}

/** What one field holds on the wire; the wire type tells which of the two. */
type Raw = { number: number; value: bigint | Buffer };

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
/** A varint of 64 bits takes ten bytes. */
const VARINT_MAX = 10;

/** @throws ProtobufError */
export function decodeMessage(bytes: Buffer, message: Message): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const { number, value } of rawFields(bytes)) {
    const field = message.get(number);
    if (field === undefined) continue;
    if (field.many === 'map') {
      const [key, entry] = mapEntry(value, field);
      // Defined and not assigned, so that a key such as __proto__ is a key like every other.
      Object.defineProperty(ensure(result, field.name, {}), key, { ...OWN, value: entry });
    } else if (field.many === 'list') ensure<unknown[]>(result, field.name, []).push(jsonOf(value, field));
    else result[field.name] = jsonOf(value, field);
  }
  return result;
}

const OWN = { enumerable: true, writable: true, configurable: true } as const;

function ensure<T extends object>(result: Record<string, unknown>, name: string, empty: T): T {
  result[name] ??= empty;
  return result[name] as T;
}

/** The entry of a map is a message of its own: the key is field 1, the value field 2; either may be left out. */
function mapEntry(value: bigint | Buffer, field: Field): [string, unknown] {
  let key = '';
  let entry = jsonOf(Buffer.alloc(0), field);
  for (const part of rawFields(bytesOf(value, field))) {
    if (part.number === 1) key = bytesOf(part.value, field).toString('utf8');
    if (part.number === 2) entry = jsonOf(part.value, field);
  }
  return [key, entry];
}

function jsonOf(value: bigint | Buffer, field: Field): unknown {
  switch (field.type) {
    case 'int':
      return Number(BigInt.asIntN(64, varintOf(value, field)));
    case 'bool':
      return varintOf(value, field) !== 0n;
    case 'string':
      return bytesOf(value, field).toString('utf8');
    case 'bytes':
      return bytesOf(value, field).toString('base64');
    case 'time':
      return timeOf(bytesOf(value, field));
    default:
      return decodeMessage(bytesOf(value, field), field.type);
  }
}

const TIME: Message = new Map([[1, { name: 'seconds', type: 'int' }]]);
/** The farthest instant that a Date can hold, in seconds. */
const FARTHEST = 8_640_000_000_000;

/** An instant to the second, as the API writes it; null for the message without fields, which stands for no instant. */
function timeOf(bytes: Buffer): string | null {
  const { seconds } = decodeMessage(bytes, TIME) as { seconds?: number };
  if (seconds === undefined) return null;
  if (Math.abs(seconds) > FARTHEST) throw new ProtobufError(`no such instant: ${seconds} s`);
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

function varintOf(value: bigint | Buffer, field: Field): bigint {
  if (typeof value === 'bigint') return value;
  throw new ProtobufError(`${field.name} is not a number`);
}

function bytesOf(value: bigint | Buffer, field: Field): Buffer {
  if (typeof value !== 'bigint') return value;
  throw new ProtobufError(`${field.name} is a number`);
}

/** The fields of a message in the order of the wire. @throws ProtobufError */
function* rawFields(bytes: Buffer): Generator<Raw> {
  let at = 0;
  const take = (count: number): Buffer => {
    if (count > bytes.length - at) throw new ProtobufError('the message ends in the middle of a field');
    at += count;
    return bytes.subarray(at - count, at);
  };
  const varint = (): bigint => {
    let value = 0n;
    for (let i = 0; i < VARINT_MAX; i++) {
      const byte = take(1)[0] ?? 0;
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new ProtobufError('a varint is longer than ten bytes');
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Number(tag >> 3n);
    if (number === 0) throw new ProtobufError('a field has the number 0');
    switch (Number(tag & 7n)) {
      case VARINT:
        yield { number, value: varint() };
        break;
      case BYTES:
        yield { number, value: take(Number(varint())) };
        break;
      // No field of the tables is of fixed width: these belong to fields that are left out.
      case FIXED64:
        yield { number, value: take(8) };
        break;
      case FIXED32:
        yield { number, value: take(4) };
        break;
      default:
        throw new ProtobufError(`wire type ${tag & 7n} is not in use`);
    }
  }
}
