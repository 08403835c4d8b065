import net from "node:net";

/** Who connects to whom, as a PROXY header says it. */
export interface Client {
    address: string;
    port?: number;
}

const PORT = 443;

/** The first version, a line of text. */
export function proxyV1({ address, port = 40_000 }: Client): Buffer {
    const v6 = net.isIPv6(address);
    return Buffer.from(`PROXY TCP${v6 ? 6 : 4} ${address} ${v6 ? "2001:db8::1" : "192.0.2.1"} ${port} ${PORT}\r\n`);
}

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n");

/** The second version, which AWS's load balancer sends, with a record of another type behind the addresses, as there. */
export function proxyV2({ address, port = 40_000 }: Client): Buffer {
    const v6 = net.isIPv6(address);
    const addresses = Buffer.concat([bytes(address), bytes(v6 ? "2001:db8::1" : "192.0.2.1"), u16(port), u16(PORT)]);
    return v2(1, v6 ? 0x21 : 0x11, Buffer.concat([addresses, VPC_ENDPOINT]));
}

/** Of a connection that has no client, such as a health check. What it says of addresses counts for nothing. */
export function proxyLocal(client?: Client): Buffer {
    if (client === undefined) return v2(0, 0, Buffer.alloc(0));
    const header = proxyV2(client);
    header[SIGNATURE.length] = 0x20;
    return header;
}

const u16 = (value: number) => Buffer.from([value >> 8, value & 255]);
const VPC_ENDPOINT = Buffer.concat([Buffer.from([0xea]), u16(5), Buffer.from("\x01vpce")]);

function v2(command: 0 | 1, family: number, body: Buffer): Buffer {
    return Buffer.concat([SIGNATURE, Buffer.from([0x20 | command, family]), u16(body.length), body]);
}

function bytes(address: string): Buffer {
    if (net.isIPv4(address)) return Buffer.from(address.split(".").map(Number));
    const [head = "", tail] = address.split("::");
    const words = (text = "") => text.split(":").filter(Boolean);
    const zeros = Array<string>(8 - words(head).length - words(tail).length).fill("0");
    return Buffer.concat([...words(head), ...zeros, ...words(tail)].map((word) => u16(parseInt(word, 16))));
}
