import { describe, expect, it } from "vitest";
import { destinationOf } from "../../lab/commands/machine.ts";

describe("the destination of an ssh command", () => {
    it.each([
        ["ssh -i linkmesh-proxy.key admin@203.0.113.10", "admin", "203.0.113.10"],
        ["ssh -i linkmesh-proxy.key -J jump@198.51.100.1 admin@10.0.0.5", "admin", "10.0.0.5"],
        ["ssh -o 'ProxyCommand=ssh -W %h:%p jump@b' admin@fd77::1", "admin", "fd77::1"],
        ["ssh host", undefined, undefined],
    ])("%s", (command, user, host) => {
        expect([destinationOf(command).user, destinationOf(command).host]).toEqual([user, host]);
    });
});
