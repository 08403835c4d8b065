import { expect, test } from "vitest";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { STEP_NAMES, labOk, onMachine, theLab, tryOnMachine, vitals } from "./lab.ts";

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

    test("every step can run twice: files, processes and certificate stay", async () => {
        const state = () =>
            onMachine(
                "cd / && { find etc srv/linkmesh var/lib/linkmesh-proxy -xdev -type f ! -name lock ! -path '*letsencrypt/.updated*' -printf '%p %T@ %s %m %U\\n'; " +
                    "readlink -f etc/nginx/linkmesh/current; } | grep -v /gitops/ | sort",
            );
        const all = stepTexts();
        expect(all.map(({ name }) => name)).toEqual(STEP_NAMES);
        const steps = all.filter(({ text }) => text !== undefined);
        expect(steps.length).toBeGreaterThan(STEP_NAMES.length / 2);
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
