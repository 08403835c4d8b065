import { expect, test } from "vitest";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { labOk, onMachine, theLab, tryOnMachine, vitals } from "./lab.ts";
import { USUAL_STEPS } from "../usual-steps.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Nothing runs again without need, and what runs again changes nothing. */
export function noChange(): void {
    test("reports no change, and opens no SSH connection", async () => {
        const before = await vitals();
        const run = await labOk("up");
        expect(run.stdout).toMatch(/✓ program: no change/);
        expect(await vitals()).toEqual(before);
    });

    test("preview shows no change either", async () => {
        expect((await labOk("preview")).stdout).toMatch(/unchanged/);
    });

    test("a preview of a change prints what the documents show", async () => {
        const [, command, shown] = /^ {4}\$ npm run lab -- (preview --diff .*)\n((?: {4}.*\n|\n)+)/m.exec(
            readFileSync(join(ROOT, "docs/operations.md"), "utf8"),
        )!;
        const lines = (text: string) =>
            text
                .replace(/\b([0-9a-f]{12}|[0-9a-f]{8})\b/g, "…")
                .split("\n")
                .map((line) => line.trim());
        const run = await labOk(...command!.split(" "));
        // The reasons come last, in standard error.
        const rest = [...lines(run.stdout), ...lines(run.stderr)];
        // In this order. The documents leave out the lines with URNs.
        const missing = lines(shown!.trimEnd()).filter((line) => {
            const at = rest.indexOf(line);
            rest.splice(0, at + 1);
            return at < 0;
        });
        expect(missing).toEqual([]);
    });

    test("every step can run twice: files, processes and certificate stay", async () => {
        const state = () =>
            onMachine(
                "cd / && { find etc srv/linkmesh var/lib/linkmesh-proxy -xdev -type f ! -name lock ! -path '*letsencrypt/.updated*' -printf '%p %T@ %s %m %U\\n'; " +
                    "readlink -f etc/nginx/linkmesh/current; } | grep -v /gitops/ | sort",
            );
        const all = stepTexts();
        expect(all.map(({ name }) => name)).toEqual(USUAL_STEPS);
        const steps = all.filter(({ text }) => text !== undefined);
        expect(steps.length).toBeGreaterThan(USUAL_STEPS.length / 2);
        const before = await state();
        const running = await vitals();
        for (const { name, text } of steps) {
            const run = await tryOnMachine(text!);
            expect(run.exitCode, `${name}: ${run.stderr}`).toBe(0);
        }
        expect(await state()).toBe(before);
        expect(await vitals()).toEqual(running);
    });
}

/** The text of every step in the order of its creation, from the stack's own state; undefined for a secret one. */
function stepTexts(): { name: string; text: string | undefined }[] {
    const stacks = join(theLab().dir, "pulumi");
    const file = readdirSync(stacks, { recursive: true, encoding: "utf8" }).find((path) =>
        /stacks\/.*\.json$/.test(path),
    )!;
    const state = JSON.parse(readFileSync(join(stacks, file), "utf8")) as {
        checkpoint: { latest: { resources: { urn: string; type: string; inputs: { stdin?: unknown } }[] } };
    };
    return state.checkpoint.latest.resources
        .filter((r) => r.type === "command:remote:Command")
        .map(({ urn, inputs: { stdin } }) => ({
            name: urn.split("::").at(-1)!.replace("linkmesh-", ""),
            text: typeof stdin === "string" ? stdin : undefined,
        }));
}
