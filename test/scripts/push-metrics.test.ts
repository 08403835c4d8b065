import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

const SCRIPT = join(import.meta.dirname, "../../components/host/scripts/machine/push-metrics.sh");
const directory = mkdtempSync(join(tmpdir(), "push-metrics-"));
afterAll(() => rmSync(directory, { recursive: true }));

const SECRET = "wJalr/XUtn+FEMI";
const CREDENTIALS = `{
  "Code" : "Success",
  "AccessKeyId" : "ASIAEXAMPLE",
  "SecretAccessKey" : "${SECRET}",
  "Token" : "IQoJ+b3Jp/Z2lu=="
}`;
const WELL = [
    "linkmesh\tok\t200\tLinkMesh answers with 200.",
    "certificate\tok\t62\tThe certificate is good for 62 days.",
    "renewal\tok\t\tThe last run did not fail.",
    "disk\tok\t41\tNo disk is fuller than 41 %.",
];

interface Machine {
    health?: string[];
    /** Exit status of `health`. */
    status?: number;
    /** What CloudWatch answers, with the HTTP status at the end. */
    answer?: string;
    role?: string;
}

/** Runs it with stubs for `health` and curl, which keeps its arguments and its configuration. */
function push({ health = WELL, status = 0, answer = "<ok/>200", role = "r" }: Machine) {
    mkdirSync(join(directory, "bin"), { recursive: true });
    const file = (name: string) => join(directory, name);
    for (const name of ["args", "config"]) rmSync(file(name), { force: true });
    writeFileSync(file("credentials"), CREDENTIALS);
    writeFileSync(file("report"), health.map((line) => `${line}\n`).join(""));
    writeFileSync(file("answer"), answer);
    const curl = `cat >>${file("config")}
for word; do printf '%s\\n' "$word" >>${file("args")}; done
case "\${!#}" in
*/api/token) echo a-token ;;
*/security-credentials/) [ -n "${role}" ] || exit 22; echo "${role}" ;;
*/security-credentials/r) cat ${file("credentials")} ;;
*) cat ${file("answer")} ;;
esac`;
    const stubs = { curl, health: `cat ${file("report")}; exit ${status}` };
    for (const [name, script] of Object.entries(stubs)) {
        writeFileSync(file(`bin/${name}`), `#!/bin/bash\n${script}\n`);
        chmodSync(file(`bin/${name}`), 0o755);
    }
    const env = {
        ...{ PATH: `${directory}/bin:${process.env.PATH}`, HEALTH: file("bin/health") },
        ...{ REGION: "eu-central-1", NAMESPACE: "LinkMeshProxy", STACK: "p/s/linkmesh" },
    };
    const ran = spawnSync("bash", [SCRIPT], { env, encoding: "utf8" });
    const read = (name: string) => (existsSync(file(name)) ? readFileSync(file(name), "utf8") : "");
    return { status: ran.status, output: ran.stdout + ran.stderr, args: read("args"), config: read("config") };
}

/** "linkmesh Failed 0" for each metric that was sent. */
function sent(args: string): string[] {
    const field = (n: string, name: string) =>
        new RegExp(`^MetricData\\.member\\.${n}\\.${name}=(.*)$`, "m").exec(args)?.[1];
    return [...args.matchAll(/^MetricData\.member\.(\d+)\.MetricName=(.*)$/gm)].map(([, n = "", metric]) => {
        expect(field(n, "Dimensions.member.1.Value")).toBe("p/s/linkmesh");
        return `${field(n, "Dimensions.member.2.Value")} ${metric} ${field(n, "Value")}`;
    });
}

describe("what a machine reports", () => {
    test("each item's verdict, and its number if it has one", () => {
        const { status, output, args } = push({});
        expect({ status, output }).toEqual({ status: 0, output: "" });
        expect(sent(args)).toEqual([
            ...["linkmesh Failed 0", "linkmesh Number 200", "certificate Failed 0", "certificate Number 62"],
            ...["renewal Failed 0", "disk Failed 0", "disk Number 41"],
        ]);
        expect(args).toContain("Namespace=LinkMeshProxy\n");
        expect(args).toContain("aws:amz:eu-central-1:monitoring\n");
        expect(args.trim().split("\n").at(-1)).toBe("https://monitoring.eu-central-1.amazonaws.com/");
    });

    test("an item that is wrong, although the program then ends with 1", () => {
        const health = ["disk\twrong\t97\t/srv is 97 % full.", "certificate\twrong\t-3\tIt expired."];
        const { status, args } = push({ health, status: 1 });
        expect(status).toBe(0);
        expect(sent(args)).toEqual([
            ...["disk Failed 1", "disk Number 97"],
            ...["certificate Failed 1", "certificate Number -3"],
        ]);
    });
});

test("the keys of the role are in no argument, where every process could read them", () => {
    const { args, config } = push({});
    expect(config).toContain(`user = "ASIAEXAMPLE:${SECRET}"\nheader = "x-amz-security-token: IQoJ+b3Jp/Z2lu=="\n`);
    expect(config).toContain('header = "X-aws-ec2-metadata-token: a-token"\n');
    for (const secret of [SECRET, "IQoJ", "a-token"]) expect(args).not.toContain(secret);
});

describe("a report that cannot be made is an error, so that the missing values ring", () => {
    const refusal = "<Error><Code>AccessDenied</Code><Message>User is not authorized.</Message></Error>403";
    test.each<[what: string, machine: Machine, error: RegExp]>([
        ["health says nothing", { health: [], status: 1 }, /^error: .*health says nothing\.$/m],
        ["health names no item", { health: ["a b c"] }, /^error: .*health names no item: a b c$/m],
        ["the machine has no role", { role: "" }, /^error: the machine has no instance role\.$/m],
        ["CloudWatch refuses", { answer: refusal }, /^error: CloudWatch answers 403: User is not authorized\.$/m],
    ])("%s", (_, machine, error) => {
        const { status, output } = push(machine);
        expect(status).toBe(1);
        expect(output).toMatch(error);
    });
});
