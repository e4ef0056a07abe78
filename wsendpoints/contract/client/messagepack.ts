/**
 * MessagePack, in binary frames: https://github.com/msgpack/msgpack/blob/master/spec.md
 *
 * A timestamp is read as a text, as JSON has it, and a `Date` is written as one. An integer that a
 * number can't hold is a bigint, in both directions.
 */
export const messagepack: Codec = {
  encode: (message) => {
    const writer = new MessagePackWriter();
    writer.write(message);
    return writer.written();
  },
  decode: (frame) => {
    if (typeof frame === "string") throw new TypeError("MessagePack is in binary frames");
    return new MessagePackReader(frame).read();
  },
};

const UTF8_WRITER = new TextEncoder();
const UTF8_READER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

class MessagePackWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;

  written(): Uint8Array {
    return this.#bytes.slice(0, this.#end);
  }

  write(value: unknown): void {
    if (value === null || value === undefined) this.#byte(0xc0);
    else if (typeof value === "boolean") this.#byte(value ? 0xc3 : 0xc2);
    else if (typeof value === "number") this.#number(value);
    else if (typeof value === "bigint") this.#bigint(value);
    else if (typeof value === "string") this.#text(value);
    else if (value instanceof Uint8Array) this.#binary(value);
    else if (value instanceof Date) this.#date(value);
    else if (Array.isArray(value)) this.#array(value);
    else this.#map(value);
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.#byte(0xcb);
      const at = this.#grow(8);
      this.#view.setFloat64(at, value);
    } else if (value >= 0) this.#unsigned(value);
    else if (value >= -0x20) this.#byte(value & 0xff);
    else if (value >= -0x80) this.#head(0xd0, 1, value & 0xff);
    else if (value >= -0x8000) this.#head(0xd1, 2, value & 0xffff);
    else if (value >= -0x80000000) this.#head(0xd2, 4, value >>> 0);
    else this.#bigint(BigInt(value));
  }

  #unsigned(value: number): void {
    if (value < 0x80) this.#byte(value);
    else if (value < 0x100) this.#head(0xcc, 1, value);
    else if (value < 0x10000) this.#head(0xcd, 2, value);
    else if (value < 0x100000000) this.#head(0xce, 4, value);
    else this.#bigint(BigInt(value));
  }

  #bigint(value: bigint): void {
    if (value < -(2n ** 63n) || value >= 2n ** 64n) throw new RangeError(`${value} has over 64 bits`);
    this.#byte(value < 0n ? 0xd3 : 0xcf);
    const at = this.#grow(8);
    this.#view.setBigUint64(at, BigInt.asUintN(64, value));
  }

  #text(value: string): void {
    const bytes = UTF8_WRITER.encode(value);
    if (bytes.length < 0x20) this.#byte(0xa0 | bytes.length);
    else this.#sized([0xd9, 0xda, 0xdb], bytes.length);
    this.#put(bytes);
  }

  #binary(value: Uint8Array): void {
    this.#sized([0xc4, 0xc5, 0xc6], value.length);
    this.#put(value);
  }

  #date(value: Date): void {
    const milliseconds = value.getTime();
    const seconds = Math.floor(milliseconds / 1000);
    this.#head(0xc7, 1, 12);
    this.#byte(0xff);
    const at = this.#grow(12);
    this.#view.setUint32(at, (milliseconds - seconds * 1000) * 1_000_000);
    this.#view.setBigInt64(at + 4, BigInt(seconds));
  }

  #array(value: readonly unknown[]): void {
    if (value.length < 0x10) this.#byte(0x90 | value.length);
    else this.#sized([null, 0xdc, 0xdd], value.length);
    for (const item of value) this.write(item);
  }

  #map(value: object): void {
    // As JSON has it: what is undefined is left out.
    const entries = Object.entries(value).filter(([, it]) => it !== undefined);
    if (entries.length < 0x10) this.#byte(0x80 | entries.length);
    else this.#sized([null, 0xde, 0xdf], entries.length);
    for (const [key, item] of entries) {
      this.#text(key);
      this.write(item);
    }
  }

  /** Writes the format for a length that has one byte, two, or four. */
  #sized([one, two, four]: readonly [number | null, number, number], length: number): void {
    if (one !== null && length < 0x100) this.#head(one, 1, length);
    else if (length < 0x10000) this.#head(two, 2, length);
    else this.#head(four, 4, length);
  }

  #head(format: number, size: 1 | 2 | 4, value: number): void {
    this.#byte(format);
    const at = this.#grow(size);
    if (size === 1) this.#view.setUint8(at, value);
    else if (size === 2) this.#view.setUint16(at, value);
    else this.#view.setUint32(at, value);
  }

  #byte(value: number): void {
    const at = this.#grow(1);
    this.#bytes[at] = value;
  }

  #put(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Makes room for more bytes, maybe in another array, and returns where they begin. */
  #grow(size: number): number {
    const at = this.#end;
    this.#end += size;
    if (this.#end > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(this.#end, this.#bytes.length * 2));
      bytes.set(this.#bytes);
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer);
    }
    return at;
  }
}

class MessagePackReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  read(): unknown {
    const format = this.#view.getUint8(this.#take(1));
    if (format < 0x80) return format;
    if (format < 0x90) return this.#map(format & 0x0f);
    if (format < 0xa0) return this.#array(format & 0x0f);
    if (format < 0xc0) return this.#text(format & 0x1f);
    if (format >= 0xe0) return format - 0x100;
    switch (format) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: return this.#binary(this.#unsigned(1));
      case 0xc5: return this.#binary(this.#unsigned(2));
      case 0xc6: return this.#binary(this.#unsigned(4));
      case 0xc7: return this.#extension(this.#unsigned(1));
      case 0xc8: return this.#extension(this.#unsigned(2));
      case 0xc9: return this.#extension(this.#unsigned(4));
      case 0xca: return this.#view.getFloat32(this.#take(4));
      case 0xcb: return this.#view.getFloat64(this.#take(8));
      case 0xcc: return this.#unsigned(1);
      case 0xcd: return this.#unsigned(2);
      case 0xce: return this.#unsigned(4);
      case 0xcf: return fitted(this.#view.getBigUint64(this.#take(8)));
      case 0xd0: return this.#view.getInt8(this.#take(1));
      case 0xd1: return this.#view.getInt16(this.#take(2));
      case 0xd2: return this.#view.getInt32(this.#take(4));
      case 0xd3: return fitted(this.#view.getBigInt64(this.#take(8)));
      case 0xd4: case 0xd5: case 0xd6: case 0xd7: case 0xd8:
        return this.#extension(1 << (format - 0xd4));
      case 0xd9: return this.#text(this.#unsigned(1));
      case 0xda: return this.#text(this.#unsigned(2));
      case 0xdb: return this.#text(this.#unsigned(4));
      case 0xdc: return this.#array(this.#unsigned(2));
      case 0xdd: return this.#array(this.#unsigned(4));
      case 0xde: return this.#map(this.#unsigned(2));
      case 0xdf: return this.#map(this.#unsigned(4));
      default: throw new TypeError("this is no MessagePack");
    }
  }

  #take(size: number): number {
    const at = this.#at;
    this.#at += size;
    if (this.#at > this.#bytes.length) throw new RangeError("this MessagePack ends too early");
    return at;
  }

  #unsigned(size: 1 | 2 | 4): number {
    const at = this.#take(size);
    if (size === 1) return this.#view.getUint8(at);
    return size === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  #binary(size: number): Uint8Array {
    const at = this.#take(size);
    return this.#bytes.slice(at, at + size);
  }

  #text(size: number): string {
    const at = this.#take(size);
    return UTF8_READER.decode(this.#bytes.subarray(at, at + size));
  }

  #array(length: number): unknown[] {
    const items: unknown[] = [];
    for (let index = 0; index < length; index += 1) items.push(this.read());
    return items;
  }

  #map(length: number): object {
    const entries: [string, unknown][] = [];
    for (let index = 0; index < length; index += 1) entries.push([String(this.read()), this.read()]);
    // It sets no prototype, whatever the keys are.
    return Object.fromEntries(entries);
  }

  #extension(size: number): string {
    const type = this.#view.getInt8(this.#take(1));
    const at = this.#take(size);
    if (type !== -1) throw new TypeError(`there is no extension type ${type} here`);
    if (size === 4) return dateText(BigInt(this.#view.getUint32(at)), 0);
    if (size === 12) return dateText(this.#view.getBigInt64(at + 4), this.#view.getUint32(at));
    const both = this.#view.getBigUint64(at);
    return dateText(both & 0x3_ffff_ffffn, Number(both >> 34n));
  }
}

function fitted(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Returns a moment as JSON has it, with as many digits as it needs. */
function dateText(seconds: bigint, nanoseconds: number): string {
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, -5);
  const digits = `${nanoseconds}`.padStart(9, "0");
  const part = digits.endsWith("000") ? digits.slice(0, 6) : digits;
  return nanoseconds === 0 ? `${whole}Z` : `${whole}.${part}Z`;
}
