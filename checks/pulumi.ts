import { existsSync } from "node:fs";
import { execa } from "execa";
import { UsageError } from "./usage-error.ts";

const PASSPHRASE = "Set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the stack's passphrase";

/** What the CLI prints on an error, the cause and what to do. The first that matches counts. */
const CAUSES: readonly [RegExp, (match: RegExpMatchArray) => string][] = [
    [/no stack selected/, () => "no stack is selected. Name one, as in --stack prod; `pulumi stack ls` lists them"],
    [/no stack named '(.*?)' found/, ([, name]) => `there is no stack "${name}". \`pulumi stack ls\` lists them`],
    [
        /no Pulumi\.yaml project file found|pass the fully qualified name/,
        () =>
            "this directory belongs to no Pulumi project. Name the project's directory with --cwd, or the whole stack, as in --stack organization/project/prod",
    ],
    [/incorrect passphrase/, () => `the passphrase is wrong. ${PASSPHRASE}`],
    [/passphrase must be set/, () => `the stack's secrets need a passphrase. ${PASSPHRASE}`],
    [
        /PULUMI_ACCESS_TOKEN must be set|requires logging in|Unauthorized|invalid access token/i,
        () =>
            "you are not logged in to Pulumi's backend, or the access token is invalid or has expired. Run `pulumi login`, or set PULUMI_ACCESS_TOKEN or PULUMI_BACKEND_URL",
    ],
    [
        /Expired ?Token\w*|token (is|has) expired|RequestExpired|security token.*expired/i,
        ([code]) =>
            `the credentials have expired (${code}). Log in again, for example with \`aws sso login\`; in CI, request a new OIDC token`,
    ],
    [
        /get credentials|NoCredentialProviders|no valid credential sources|could not find default credentials/i,
        () =>
            "there are no credentials for the cloud that holds the state or its key. Set AWS_PROFILE or the variables of your cloud",
    ],
    [
        /InvalidAccessKeyId|UnrecognizedClient\w*|SignatureDoesNotMatch|InvalidClientTokenId/,
        ([code]) => `AWS refuses the credentials (${code}). Set AWS_PROFILE, or other credentials`,
    ],
    [
        /AccessDenied\w*/,
        ([code]) =>
            `the credentials have no right to read the state or its key (${code}). Use others, or grant the right`,
    ],
];

/** Runs the Pulumi CLI and gives what it prints. @throws UsageError */
export async function pulumi(args: readonly string[], cwd?: string): Promise<string> {
    const result = await runPulumi(args, cwd);
    if (!result.failed) return result.stdout;
    const what = `pulumi ${args.slice(0, 2).join(" ")}`;
    throw new UsageError(`${what} failed: ${pulumiCause(result.stderr || (result.shortMessage ?? ""))}.`);
}

/** Runs the Pulumi CLI, which may fail. @throws UsageError if it cannot be started */
export async function runPulumi(args: readonly string[], cwd?: string) {
    const result = await execa("pulumi", ["--non-interactive", ...args], {
        cwd,
        reject: false,
        stdin: "ignore",
        env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
    });
    if (cwd !== undefined && !existsSync(cwd)) throw new UsageError(`there is no directory ${cwd}: --cwd`);
    if (result.code === "ENOENT") {
        throw new UsageError(
            "there is no `pulumi` on PATH. Install the Pulumi CLI, or give check or doctor a file that `pulumi stack output --json` made elsewhere: --from FILE",
        );
    }
    return result;
}

/** The cause of an error of the CLI, and what to do, in one sentence without its full stop. */
export function pulumiCause(stderr: string): string {
    for (const [pattern, cause] of CAUSES) {
        const match = pattern.exec(stderr);
        if (match) return cause(match);
    }
    const lines = stderr.trim().split("\n");
    const line = lines.findLast((line) => line.startsWith("error: ")) ?? lines.at(-1)!;
    return (
        line
            .replace(/^error: /, "")
            .replace(/\.$/, "")
            .trim() || "it printed nothing"
    );
}
