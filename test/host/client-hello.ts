/** A TLS client's first message, from which nginx reads the name. */
export function clientHello(name: string): Buffer {
    const u16 = (value: number) => [value >> 8, value & 255];
    const sized = (body: number[]) => [...u16(body.length), ...body];
    const host = [0, ...sized([...Buffer.from(name)])];
    const extensions = sized([...u16(0), ...sized(sized(host))]);
    const body = [3, 3, ...Array<number>(32).fill(7), 0, ...sized([0x13, 0x01]), 1, 0, ...extensions];
    const handshake = [1, 0, ...sized(body)];
    return Buffer.from([22, 3, 1, ...sized(handshake)]);
}
