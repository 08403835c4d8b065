import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { renderConfig } from "../../components/host/render/linkmesh.ts";
import { renderStep } from "../../components/host/render/step.ts";
import { SCRIPTS, SHELL_FILES, STEP_SCRIPTS } from "../scripts/files.ts";

test.each([...SHELL_FILES, "../../../docs/machine-image.sh"])("shellcheck finds nothing in %s", (name) => {
    const run = spawnSync("shellcheck", ["--external-sources", name], { cwd: SCRIPTS, encoding: "utf8" });
    expect(run.stdout + run.stderr).toBe("");
    expect(run.status).toBe(0);
});

test.each(STEP_SCRIPTS)("%s is complete as it is sent to the machine", (name) => {
    const text = renderStep({
        name,
        variables: { DOMAIN: "linkmesh.example.com" },
        files: { "a.conf": "a\n" },
    });
    const run = spawnSync("bash", ["-n"], { input: text, encoding: "utf8" });
    expect(run.stderr).toBe("");
    expect(text.trimEnd().endsWith("start </dev/null")).toBe(true);
});

const GRPC = { host: "linkmesh.example.com", port: 50051, shared: false };

describe("the merge of config.yaml", () => {
    const directory = mkdtempSync(join(tmpdir(), "merge-"));
    afterAll(() => rmSync(directory, { recursive: true }));

    const at = (name: string) => join(directory, name);
    /** Merges as the step does: the record of one merge is read by the next, or both records after a cut one. */
    const merge = (base: string, overlay: string, records: string[] = []) => {
        writeFileSync(at("base.yaml"), base);
        writeFileSync(at("overlay.yaml"), overlay);
        const args = [join(SCRIPTS, "merge_config.py"), at("base.yaml"), at("overlay.yaml"), directory];
        return execFileSync("/usr/bin/python3", [...args, ...records.map(at)], {
            encoding: "utf8",
            stdio: ["ignore", "pipe", "pipe"],
        });
    };
    const shipped = readFileSync(
        join(import.meta.dirname, "../../lab/linkmesh/package/etc/linkmesh/config.yaml"),
        "utf8",
    );
    const overlay = renderConfig({ domain: "linkmesh.example.com", grpc: GRPC, extra: { metrics: { enabled: true } } });

    test("sets the keys, and keeps every comment and every other key of the package's file", () => {
        const merged = merge(shipped, overlay);
        expect(parse(merged)).toMatchObject({
            ...(parse(overlay) as object),
            storage: (parse(shipped) as { storage: object }).storage,
        });
        const comments = (text: string) =>
            text
                .split("\n")
                .filter((line) => line.includes("#"))
                .map((line) => line.replace(/^.*?#/, "").trim());
        expect(comments(merged)).toEqual(comments(shipped));
    });

    test("a second merge changes no byte", () => {
        const once = merge(shipped, overlay);
        expect(merge(once, overlay)).toBe(once);
    });

    test("a file that has all keys stays the same byte for byte, with odd spacing", () => {
        const odd = 'externalUrl:   "https://a.example"   # ours\n\n\ngrpc: {port:   50061}\n';
        expect(merge(odd, 'externalUrl: "https://a.example"\ngrpc:\n  port: 50061\n')).toBe(odd);
    });

    const further = renderConfig({
        domain: "linkmesh.example.com",
        grpc: GRPC,
        extra: { metrics: { enabled: true, path: "/m" }, storage: { backend: "mongodb" }, smtp: { host: "mail" } },
    });
    const bare = renderConfig({ domain: "linkmesh.example.com", grpc: GRPC, extra: {} });

    test("keys that the user removes get their former state: changed keys, new keys, new sections", () => {
        const first = merge(shipped, bare);
        const full = merge(first, further, ["record"]);
        expect(parse(full)).toMatchObject({ metrics: { path: "/m" }, storage: { backend: "mongodb" } });
        expect(merge(full, bare, ["record"])).toBe(first);
    });

    test("a key that was set by hand stays, also in a section that the program changes", () => {
        const full = merge(shipped, further);
        const edited = full.replace("host: mail", "host: mail\n  port: 25");
        const back = parse(merge(edited, bare, ["record"])) as Record<string, unknown>;
        expect(back.smtp).toEqual({ port: 25 });
    });

    test.each(["the old file is still in place", "the new file is in place already"])(
        "cut at the swap, when %s, the next merge is right",
        (state) => {
            const full = merge(shipped, further);
            copyFileSync(at("record"), at("first"));
            const next = merge(full, bare, ["first"]);
            copyFileSync(at("pending"), at("cut"));
            const found = state.startsWith("the old") ? full : next;
            expect(parse(merge(found, bare, ["first", "cut"]))).toEqual(parse(merge(shipped, bare)));
            expect(parse(merge(found, further, ["first", "cut"]))).toEqual(parse(full));
            expect(parse(merge(merge(found, further, ["first", "cut"]), bare, ["record"]))).toEqual(parse(next));
        },
    );

    test("an empty file gets the keys", () =>
        expect(parse(merge("", "grpc:\n  port: 50061\n"))).toEqual({ grpc: { port: 50061 } }));

    test("an empty section gets the keys", () =>
        expect(parse(merge("grpc:\n", "grpc:\n  port: 50061\n"))).toEqual({ grpc: { port: 50061 } }));
});
