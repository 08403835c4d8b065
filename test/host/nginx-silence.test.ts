import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { ADDRESS, isShared, PORTS, useFleet } from "./fleet.ts";
import type { Files } from "./nginx-server.ts";

// What nginx does with sessions on which nothing is said.

const { start, https, grpc } = useFleet();

describe.each(PORTS)("silence, %s", (_, mode) => {
    // Each second stands for 1,000.
    const fast = (files: Files) => {
        const text = (file: string) =>
            file.replace(
                /((?:proxy_read|proxy_send|proxy)_timeout) (\d+)([hms]);/g,
                (_match, directive: string, amount: string, unit: "h" | "m" | "s") =>
                    `${directive} ${Number(amount) * { h: 3600, m: 60, s: 1 }[unit]}ms;`,
            );
        return Object.fromEntries(Object.entries(files).map(([name, file]) => [name, text(file)]));
    };

    test("ends no WebSocket, no live view and no gRPC session within two hours", async () => {
        const server = await start(mode, fast);
        const sessions = [
            await https(server, { path: "/v1/opamp" }),
            await https(server, { path: "/v1/agent" }),
            await https(server, { path: "/api/v1/live" }),
            await https(server, { path: "/api/v1/live", headers: [] }),
            await grpc(server, {}, isShared(mode)),
        ];
        expect(sessions.map(({ status }) => status)).toEqual([101, 101, 101, 200, 101]);
        await sleep(7_200);
        expect(sessions.map(({ ended }) => ended())).toEqual(sessions.map(() => false));
    });

    test("is distinguished from a peer that is gone by TCP keep-alive, within two minutes", async () => {
        const server = await start(mode);
        await https(server, {});
        await grpc(server, {}, isShared(mode));
        for (const port of new Set([server.ports.https, server.ports.grpc])) {
            if (port === server.ports.grpc && isShared(mode)) continue;
            const filter = ["state", "established", "src", `127.0.0.1:${port}`, "and", "dst", ADDRESS];
            // Recently sent data may still be in flight, which has another timer.
            await expect
                .poll(() =>
                    execFileSync("ss", ["-Htno", ...filter], { encoding: "utf8" })
                        .trim()
                        .split("\n"),
                )
                .toSatisfy((lines: string[]) =>
                    lines.every((line) => /timer:\(keepalive,(1min|\d+sec|[\d.]+ms),/.test(line)),
                );
        }
    });
});
