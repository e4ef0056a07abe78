// MessagePack, for endpoints that speak it: what is written as JSON here is packed, and the reverse.
//
// https://github.com/msgpack/msgpack/blob/master/spec.md

/** Returns a value of JSON as MessagePack. */
export function pack(value) {
  const bytes = [];
  write(value, bytes);
  return Uint8Array.from(bytes);
}

function write(value, bytes) {
  if (value === null) bytes.push(0xc0);
  else if (typeof value === "boolean") bytes.push(value ? 0xc3 : 0xc2);
  else if (typeof value === "number") writeNumber(value, bytes);
  else if (typeof value === "string") writeText(value, bytes);
  else if (Array.isArray(value)) {
    writeHead(value.length, bytes, [0x90, 16], [null, 0xdc, 0xdd]);
    for (const it of value) write(it, bytes);
  } else {
    const entries = Object.entries(value);
    writeHead(entries.length, bytes, [0x80, 16], [null, 0xde, 0xdf]);
    for (const [key, it] of entries) {
      writeText(key, bytes);
      write(it, bytes);
    }
  }
}

function writeNumber(value, bytes) {
  if (Number.isInteger(value) && value >= -32 && value < 128) bytes.push(value & 0xff);
  else if (Number.isSafeInteger(value))
    writeView(bytes, 0xd3, (view) => view.setBigInt64(0, BigInt(value)));
  else writeView(bytes, 0xcb, (view) => view.setFloat64(0, value));
}

function writeView(bytes, type, set) {
  const view = new DataView(new ArrayBuffer(8));
  set(view);
  bytes.push(type, ...new Uint8Array(view.buffer));
}

function writeText(text, bytes) {
  const encoded = new TextEncoder().encode(text);
  writeHead(encoded.length, bytes, [0xa0, 32], [0xd9, 0xda, 0xdb]);
  for (const it of encoded) bytes.push(it);
}

/** Writes a type and a length: in one byte, where it has place there, or else in one, two or four more. */
function writeHead(length, bytes, [fixed, limit], [one, two, four]) {
  if (length < limit) bytes.push(fixed | length);
  else if (one !== null && length < 0x100) bytes.push(one, length);
  else if (length < 0x10000) bytes.push(two, length >> 8, length & 0xff);
  else bytes.push(four, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff);
}

/** Returns the value that MessagePack has; throws an Error if it is none. */
export function unpack(bytes) {
  const reader = new Reader(bytes);
  const value = reader.read();
  if (reader.place !== bytes.length) throw new Error("there is more behind the value");
  return value;
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.place = 0;
  }

  read() {
    const type = this.number("Uint8", 1);
    if (type < 0x80) return type;
    if (type < 0x90) return this.map(type & 0x0f);
    if (type < 0xa0) return this.list(type & 0x0f);
    if (type < 0xc0) return this.text(type & 0x1f);
    if (type >= 0xe0) return type - 0x100;
    switch (type) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.hex(this.length(type - 0xc4));
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.hex(this.length(type - 0xc7) + 1);
      case 0xca:
        return this.number("Float32", 4);
      case 0xcb:
        return this.number("Float64", 8);
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.length(type - 0xcc);
      case 0xcf:
        return exact(this.number("BigUint64", 8));
      case 0xd0:
        return this.number("Int8", 1);
      case 0xd1:
        return this.number("Int16", 2);
      case 0xd2:
        return this.number("Int32", 4);
      case 0xd3:
        return exact(this.number("BigInt64", 8));
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.hex(2 ** (type - 0xd4) + 1);
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.text(this.length(type - 0xd9));
      case 0xdc:
      case 0xdd:
        return this.list(this.length(type - 0xdb));
      case 0xde:
      case 0xdf:
        return this.map(this.length(type - 0xdd));
      default:
        throw new Error("a byte that stands for nothing");
    }
  }

  number(kind, size) {
    const value = this.view[`get${kind}`](this.place);
    this.place += size;
    return value;
  }

  /** Reads a length of 2 ** power bytes. */
  length(power) {
    return this.number(["Uint8", "Uint16", "Uint32"][power], 2 ** power);
  }

  part(length) {
    if (this.place + length > this.bytes.length) throw new Error("it ends too early");
    this.place += length;
    return this.bytes.subarray(this.place - length, this.place);
  }

  text(length) {
    return new TextDecoder("utf-8", { fatal: true }).decode(this.part(length));
  }

  /** Reads bytes, and what an extension is, which JSON has no form for. */
  hex(length) {
    return Array.from(this.part(length), (it) => it.toString(16).padStart(2, "0")).join("");
  }

  list(length) {
    const values = [];
    for (let index = 0; index < length; index++) values.push(this.read());
    return values;
  }

  map(length) {
    const entries = [];
    for (let index = 0; index < length; index++) entries.push([this.read(), this.read()]);
    return Object.fromEntries(entries);
  }
}

/** Returns an integer that JSON's numbers do not hold as a text. */
function exact(value) {
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}
