import { beforeAll, describe, expect, test } from "vitest";
import { runChecks, type CheckName, type CheckResult, type Target } from "../../checks/index.ts";
import { expectCommand } from "../unit/next-command.ts";
import { authorities, cleanupsAfterEach, startSite, type Authorities, type Faults } from "./checks-site.ts";

export interface Case {
    what: string;
    faults: Faults | (() => Promise<Faults>);
    status: CheckResult["status"];
    detail: RegExp;
    /** The cause and what to do. In any case, it names a command that exists. */
    hint?: RegExp;
    change?: Partial<Target>;
}

/** Nobody answers, so the test does not wait. */
export const SILENT: Partial<Target> = { timeoutMs: 2_000 };
/** Without the CA, as against the public roots. */
export const PUBLIC_ROOTS: Partial<Target> = { ca: undefined };

/** Checks against real servers that a test file starts, its certificates made once. */
export function sites() {
    const trust = {} as Authorities;
    beforeAll(async () => void Object.assign(trust, await authorities()));
    const cleanups = cleanupsAfterEach();

    const check = async (faults: Faults, change: Partial<Target> = {}, only?: CheckName[]): Promise<CheckResult[]> => {
        const { target, stop } = await startSite(trust, faults);
        cleanups.push(stop);
        return runChecks({ ...target, ...(only?.includes("health") && { health: true }), ...change }, { only });
    };

    /** One check, against one fault after the other. */
    const table = (name: CheckName, cases: Case[]) =>
        describe(name, () => {
            test.each(cases)("$what: $status", async ({ faults, status, detail, hint = /./, change }) => {
                const given = typeof faults === "function" ? await faults() : faults;
                const results = await check(given, change, [name]);
                expect(results).toHaveLength(1);
                expect(results[0]!.detail).toMatch(detail);
                expect(results[0]!.status).toBe(status);
                expect(results[0]!.detail).not.toMatch(/\n|undefined/);
                if (status === "ok") return;
                expect(results[0]!.hint).toMatch(hint);
                expectCommand(results[0]!.hint);
            });
        });

    return { trust, cleanups, check, table };
}
