import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { command } from "../../lab/balancers/haproxy-socket.ts";

it("a HAProxy that does not answer is an error", async () => {
    const directory = mkdtempSync(join(tmpdir(), "linkmesh-haproxy-"));
    const socket = join(directory, "admin.sock");
    const silent = createServer().listen(socket);
    await once(silent, "listening");
    await expect(command(socket, "show info", 50)).rejects.toThrow('HAProxy has not answered "show info"');
    silent.close();
    rmSync(directory, { recursive: true });
});
