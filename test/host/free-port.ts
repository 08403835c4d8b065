import { randomInt } from "node:crypto";
import net from "node:net";

/**
 * A port that nothing listens on. Below those of outgoing connections, one of which could take it before it is used: test
 * files run beside each other.
 */
export async function freePort(address = "127.0.0.1"): Promise<number> {
    const port = randomInt(10_000, 32_000);
    const server = net.createServer();
    const free = await new Promise<boolean>((resolve) => {
        server.once("error", () => resolve(false));
        server.listen(port, address, () => resolve(true));
    });
    if (!free) return freePort(address);
    await new Promise((resolve) => server.close(resolve));
    return port;
}
