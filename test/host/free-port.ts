import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import net from "node:net";

/** An address of loopback on which nothing is sent. A UDP socket there says that its port is given away for TCP. */
const GIVEN = "127.255.255.254";

/**
 * A port that nothing listens on, and that no other process gets from here until this one ends: test files run beside each
 * other. Below the ports of outgoing connections, one of which could take it before it is used.
 */
export async function freePort(address = "127.0.0.1"): Promise<number> {
    const port = randomInt(10_000, 32_000);
    const given = createSocket("udp4").unref();
    try {
        await once(given.bind({ port, address: GIVEN, exclusive: true }), "listening");
    } catch {
        given.close();
        return freePort(address);
    }
    const server = net.createServer();
    const free = await new Promise<boolean>((resolve) => {
        server.once("error", () => resolve(false));
        server.listen(port, address, () => resolve(true));
    });
    if (!free) return freePort(address);
    await new Promise((resolve) => server.close(resolve));
    return port;
}
