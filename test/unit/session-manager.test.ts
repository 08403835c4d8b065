import { expect, test } from "vitest";
import { CONFIG, reveal, runProgram, valueOf } from "./program.ts";

const AGENT = {
    sessionManager: "true",
    ssmAgentDebUrl: "https://s3.example.com/amazon-ssm-agent.deb",
    ssmAgentDebSha256: `${"0".repeat(64)}  amazon-ssm-agent.deb`,
};

test("the role gets the rights for sessions alone, and the output shows the command", async () => {
    const { named, outputs, registered } = await runProgram({ ...CONFIG, ...AGENT });
    const { Statement } = JSON.parse(named("linkmesh-instance-session").inputs.policy as string) as {
        Statement: { Action: string[] }[];
    };
    expect(Statement.map(({ Action }) => Action)).toEqual([
        [
            "ssm:UpdateInstanceInformation",
            ...["CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"].map(
                (name) => `ssmmessages:${name}`,
            ),
        ],
    ]);
    expect(await valueOf(outputs.sessionCommand)).toBe(
        "aws ssm start-session --region eu-central-1 --target linkmesh-machine-instance-id",
    );
    expect(registered.filter(({ type }) => type.includes("rolePolicyAttachment"))).toEqual([]);
    const text = reveal<string>(named("linkmesh-session-manager").inputs.stdin);
    expect(text).toContain(`URL='${AGENT.ssmAgentDebUrl}'\nSHA256='${"0".repeat(64)}'\n`);
});

test("on Ubuntu the image has the agent", async () => {
    const { named } = await runProgram({ ...CONFIG, sessionManager: "true", operatingSystem: "ubuntu-24.04" });
    expect(reveal<string>(named("linkmesh-session-manager").inputs.stdin)).toContain("URL=''\n");
    expect(reveal<string>(named("linkmesh-upkeep").inputs.stdin)).toContain("AGENT='image'\n");
});

test("without alarms the machine reports nothing to CloudWatch, for which it has no right", async () => {
    const { registered, named } = await runProgram({ ...CONFIG, ...AGENT });
    expect(registered.filter(({ name }) => /metrics|alarms/.test(name))).toEqual([]);
    expect(reveal<string>(named("linkmesh-upkeep").inputs.stdin)).toContain("METRICS=''\n");
});

test("an image of the user's own may have the agent", async () => {
    const { named } = await runProgram({ ...CONFIG, sessionManager: "true", imageId: "ami-0bookworm" });
    expect(reveal<string>(named("linkmesh-upkeep").inputs.stdin)).toContain("AGENT='image'\n");
});

test("port 22 stays open to the networks from which the steps connect", async () => {
    const rules = async (config: Record<string, string>) =>
        (await runProgram({ ...CONFIG, ...config })).registered
            .filter(({ inputs }) => inputs.fromPort === 22)
            .map(({ name }) => name)
            .sort();
    expect(await rules(AGENT)).toEqual(await rules({}));
    expect(await rules({})).not.toEqual([]);
});

test("without it, or paused, there is no command, and without it no right and no step", async () => {
    expect((await runProgram({ ...CONFIG, ...AGENT, paused: "true" })).outputs.sessionCommand).toBeUndefined();
    const { registered, outputs } = await runProgram();
    expect(outputs.sessionCommand).toBeUndefined();
    expect(registered.filter(({ name }) => name.includes("session"))).toEqual([]);
});
