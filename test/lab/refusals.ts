import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EXISTING_SUBNET_OTHER_ZONE } from "../../lab/cloud/existing-network.ts";
import { publishedPackage } from "../../lab/commands/package.ts";
import { type Session, configureStack, openSession, planSettings } from "../../lab/commands/session.ts";
import { EngineStages } from "../../lab/engine/stages.ts";
import { LabError } from "../../lab/lab.ts";
import { labOk, theLab } from "./lab.ts";

/** Settings that are refused before anything changes: what `lab up --set …` does, without a process for each. */
export function refusals(): void {
    let session: Session;
    beforeAll(async () => {
        session = await openSession(theLab(), () => undefined);
    });
    afterAll(() => session.close());

    async function up(sets: string[]): Promise<{ error: unknown; started: boolean }> {
        const stage = { progress() {}, warn() {}, done() {}, fail() {} };
        const stages = new EngineStages(() => stage, stage);
        const { stack } = session;
        const configFile = join(stack.workspace.dir, "refused.yaml");
        try {
            configureStack(theLab(), stack, publishedPackage(theLab())!, planSettings(sets).overrides, configFile);
            await stack.up({ configFile, onEvent: (event) => stages.handle(event) });
        } catch (error) {
            return { error, started: stages.started };
        } finally {
            stages.close();
        }
        return { error: undefined, started: stages.started };
    }

    test.each<[string, string[], RegExp]>([
        ["a misspelt setting", ["collectorExpected=1"], /collectorsExpected/],
        ["a setting without its value", ["collectorsExpected"], /collectorsExpected/],
        ["a wrong value", ["collectorsExpected=many"], /collectorsExpected/],
        [
            "a name outside every zone",
            ["domain=linkmesh.elsewhere.test"],
            /domain: .*no public hosted zone for linkmesh\.elsewhere\.test/,
        ],
        [
            "a name outside the named zone",
            ["domain=linkmesh.elsewhere.test", "hostedZone=example.test"],
            /is not in hostedZone example\.test/,
        ],
        [
            "a zone that does not exist",
            ["hostedZone=linkmesh.example.test"],
            /hostedZone: .*no public hosted zone linkmesh\.example\.test/,
        ],
        ["a type that does not exist", ["instanceType=t3.enormous"], /instanceType: t3\.enormous/],
        [
            "an instance type that the data volume's zone lacks",
            ["instanceType=m7i.large"],
            /instanceType: m7i\.large is not offered in eu-central-1a, where the stack's data volume is/,
        ],
        [
            "a subnet in another zone than the data volume",
            [`subnetId=${EXISTING_SUBNET_OTHER_ZONE}`],
            /subnetId: \S+ is in eu-central-1b, but the stack's data volume is in eu-central-1a/,
        ],
    ])("%s", async (_, sets, sentence) => {
        const { error, started } = await up(sets);
        expect(error).toBeInstanceOf(LabError);
        const [line, ...rest] = (error as LabError).message.split("\n");
        expect(line).toMatch(sentence);
        expect(rest.join("\n")).not.toMatch(/^\s+at /m);
        expect(started, "something was changed").toBe(false);
    });

    test("after all of them a preview shows no change, and the endpoints answer", async () => {
        expect((await labOk("preview")).stdout).toMatch(/unchanged/);
        await labOk("check");
    });
}
