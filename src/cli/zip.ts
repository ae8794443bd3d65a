/**
 * A zip file with one member under the password that analysts use, so that neither mail gateways nor scanners eat it on its way.
 * Traditional zip encryption keeps no secret; it is not meant to.
 */
const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = (c & 1) === 1 ? 0xedb8_8320 ^ (c >>> 1) : c >>> 1;
  return c;
});
const crcStep = (crc: number, byte: number): number => (crcTable[(crc ^ byte) & 0xff]! ^ (crc >>> 8)) >>> 0;

/** The stream cipher of PKWARE's APPNOTE, section 6.1. */
class ZipCipher {
  private k0 = 0x1234_5678;
  private k1 = 0x2345_6789;
  private k2 = 0x3456_7890;

  constructor(password: string) { for (const byte of Buffer.from(password)) this.update(byte); }

  /** In place. */
  encrypt(bytes: Buffer): Buffer {
    for (let i = 0; i < bytes.length; i++) {
      const plain = bytes[i]!;
      const t = (this.k2 | 2) & 0xffff;
      bytes[i] = plain ^ ((Math.imul(t, t ^ 1) >>> 8) & 0xff);
      this.update(plain);
    }
    return bytes;
  }

  private update(byte: number): void {
    this.k0 = crcStep(this.k0, byte);
    this.k1 = (Math.imul((this.k1 + (this.k0 & 0xff)) >>> 0, 134_775_813) + 1) >>> 0;
    this.k2 = crcStep(this.k2, this.k1 >>> 24);
  }
}

const headBytes = 12;
/** Encrypted; sizes and checksum follow the content; the name is UTF-8. */
const flags = 0x0001 | 0x0008 | 0x0800;

/** The bytes of the zip file, in order. `name` is told by the caller to be harmless; `random` gives the twelve bytes that stand before the content. Content up to 4 GiB. */
export async function* zipOf(name: string, content: AsyncIterable<Buffer>, modified: Date, password: string, random: (n: number) => Buffer): AsyncGenerator<Buffer> {
  const nameBytes = Buffer.from(name);
  const time = (modified.getUTCHours() << 11) | (modified.getUTCMinutes() << 5) | (modified.getUTCSeconds() >> 1);
  const date = (Math.max(0, Math.min(127, modified.getUTCFullYear() - 1980)) << 9) | ((modified.getUTCMonth() + 1) << 5) | modified.getUTCDate();
  const common = (crc: number, size: number): Buffer => {
    const fields = Buffer.alloc(26);
    for (const [at, value] of [[0, 20], [2, flags], [4, 0], [6, time], [8, date], [22, nameBytes.length], [24, 0]] as const) fields.writeUInt16LE(value, at);
    fields.writeUInt32LE(crc, 10);
    fields.writeUInt32LE(size === 0 ? 0 : size + headBytes, 14);
    fields.writeUInt32LE(size, 18);
    return fields;
  };
  const local = Buffer.concat([signature(0x0403_4b50), common(0, 0), nameBytes]);
  yield local;
  const cipher = new ZipCipher(password);
  // The last byte of the twelve tells a reader whether the password is right: with flag 8 it is the time's high byte.
  yield cipher.encrypt(Buffer.concat([random(headBytes - 1), Buffer.from([time >>> 8])]));
  let crc = 0xffff_ffff, size = 0;
  for await (const piece of content) {
    for (const byte of piece) crc = crcStep(crc, byte);
    size += piece.length;
    yield cipher.encrypt(Buffer.from(piece));
  }
  crc = (crc ^ 0xffff_ffff) >>> 0;
  const sizes = Buffer.alloc(12);
  sizes.writeUInt32LE(crc, 0);
  sizes.writeUInt32LE(size + headBytes, 4);
  sizes.writeUInt32LE(size, 8);
  yield Buffer.concat([signature(0x0807_4b50), sizes]);
  const fields = common(crc, size);
  fields.writeUInt32LE(size + headBytes, 14);
  const central = Buffer.concat([signature(0x0201_4b50), Buffer.from([20, 0]), fields, Buffer.alloc(14), nameBytes]);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(local.length + headBytes + size + 16, 12);
  yield Buffer.concat([central, signature(0x0605_4b50), end]);
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
