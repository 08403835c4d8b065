import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type Hop, writeSshConfig } from "../../checks/ssh-config.ts";

const directory = mkdtempSync(join(tmpdir(), "linkmesh-ssh-"));
afterAll(() => rmSync(directory, { recursive: true }));

const MACHINE: Hop = { host: "10.0.0.7", user: "admin", hostKey: "ssh-ed25519 AAAAm\n", key: "the key" };
const BASTION: Hop = { host: "2001:db8::7", user: "jump", hostKey: "ssh-ed25519 AAAAb" };

/** The options that ssh itself takes from the configuration. */
function resolved(arguments_: string[], host = arguments_.at(-1)!): Record<string, string> {
    const shown = execFileSync("ssh", ["-G", ...arguments_.slice(0, -1), host], { encoding: "utf8" });
    return Object.fromEntries(
        shown
            .trim()
            .split("\n")
            .map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]),
    );
}

test("ssh takes the key that it is given, and only the pinned host key", () => {
    const options = resolved(writeSshConfig(join(directory, "one"), MACHINE));
    expect(options).toMatchObject({
        ...{ user: "admin", hostname: "10.0.0.7", identitiesonly: "yes", stricthostkeychecking: "true" },
        globalknownhostsfile: "/dev/null",
    });
    expect(options.proxyjump).toBeUndefined();
    expect(readFileSync(options.userknownhostsfile!, "utf8")).toBe("10.0.0.7 ssh-ed25519 AAAAm\n");
    expect(readFileSync(options.identityfile!, "utf8")).toBe("the key\n");
    expect(statSync(options.identityfile!).mode & 0o777).toBe(0o600);
});

test("a bastion has a host key of its own, and the user's keys", () => {
    const arguments_ = writeSshConfig(join(directory, "two"), MACHINE, BASTION);
    expect(resolved(arguments_).proxyjump).toBe("jump@[2001:db8::7]");
    const bastion = resolved(arguments_, BASTION.host);
    expect(bastion).toMatchObject({ user: "jump", identitiesonly: "no", stricthostkeychecking: "true" });
    expect(bastion.proxyjump).toBeUndefined();
    expect(readFileSync(bastion.userknownhostsfile!, "utf8")).toBe("2001:db8::7 ssh-ed25519 AAAAb\n");
});
