import { afterEach, expect, it, vi } from "vitest";
import { exec, tryExec } from "../../lab/process/exec.ts";

afterEach(() => void vi.unstubAllEnvs());

it("runs a tool in a clean environment with the caller's variables", async () => {
    vi.stubEnv("HTTPS_PROXY", "http://proxy.example");
    const names = (await exec("env", [], { env: { ADDED: "1" } })).split("\n").map((line) => line.split("=")[0]);
    expect(names.filter(Boolean).sort()).toEqual(["ADDED", "HOME", "LC_ALL", "PATH"]);
});

it("a tool that does not read its input ends with its own exit code", async () => {
    const input = "x".repeat(1_000_000);
    expect(await tryExec("true", [], { input })).toMatchObject({ failed: false, exitCode: 0 });
    expect(await tryExec("sh", ["-c", "exit 3"], { input })).toMatchObject({ failed: true, exitCode: 3 });
});

it("a tool that reads its input sees its end if there is none", async () => {
    expect(await exec("cat", [])).toBe("");
    expect(await exec("cat", [], { input: "a\n" })).toBe("a\n");
});

it("a failed tool's error has its exit code and the end of its messages, but not its input", async () => {
    const script = "cat >/dev/null; seq 100 >&2; exit 3";
    const failure = exec("sh", ["-c", script, "x".repeat(1000)], { input: "the secret" });
    const { message } = (await failure.catch((error: Error) => error)) as Error;
    expect(message).toMatch(/exit code 3: sh -c .*: 96\n97\n98\n99\n100$/s);
    expect(message.length).toBeLessThan(350);
    expect(message).not.toContain("secret");
    await expect(exec("/no/such/tool", [])).rejects.toThrow("is not installed");
});

it("reports each line of output", async () => {
    const lines: string[] = [];
    await exec("sh", ["-c", "echo one; sleep 0.1; echo two >&2; sleep 0.1; printf three"], {
        onLine: (line) => lines.push(line),
    });
    expect(lines).toEqual(["one", "two", "three"]);
});
