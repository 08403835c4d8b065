import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { pulumi, pulumiCause } from "../../checks/pulumi.ts";

afterEach(() => void vi.unstubAllEnvs());

const S3 =
    'error: read ".pulumi/meta.yaml": blob (key ".pulumi/meta.yaml") (code=Unknown): operation error S3: GetObject';

// What Pulumi 3.259 prints.
test.each<[string, RegExp]>([
    ["error: no stack selected; please use `pulumi stack select` to choose one", /^no stack is selected\. Name one/],
    ["error: no stack named 'nope' found", /^there is no stack "nope"\. `pulumi stack ls` lists them$/],
    [
        "error: no Pulumi.yaml project file found (searching upwards from /tmp). If you have not created a project yet, use `pulumi new` to do so: no project file found",
        /^this directory belongs to no Pulumi project\. .*--cwd/,
    ],
    [
        "error: if you're using the --stack flag, pass the fully qualified name (organization/project/stack)",
        /--stack organization\/project\/prod$/,
    ],
    [
        "error: failed to decrypt: incorrect passphrase, please set PULUMI_CONFIG_PASSPHRASE to the correct passphrase or set PULUMI_CONFIG_PASSPHRASE_FILE to a file containing the passphrase",
        /^the passphrase is wrong\. Set PULUMI_CONFIG_PASSPHRASE/,
    ],
    [
        'error: constructing secrets manager of type "passphrase": constructing secrets manager: passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE environment variables',
        /^the stack's secrets need a passphrase\. Set/,
    ],
    [
        "error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions",
        /^you are not logged in .*`pulumi login`, or set PULUMI_ACCESS_TOKEN or PULUMI_BACKEND_URL$/,
    ],
    ["error: this command requires logging in; try running `pulumi login` first", /^you are not logged in/],
    [
        "Logging in using access token from PULUMI_ACCESS_TOKEN\nerror: Unauthorized: No credentials provided or are invalid.",
        /^you are not logged in .* or has expired/,
    ],
    [
        `${S3}, get identity: get credentials: failed to refresh cached credentials, no EC2 IMDS role found, operation error ec2imds: GetMetadata, http response error StatusCode: 403, request to EC2 IMDS failed`,
        /^there are no credentials for the cloud that holds the state/,
    ],
    [
        `${S3}, https response error StatusCode: 400, RequestID: , HostID: , api error ExpiredToken: The provided token has expired.`,
        /^the credentials have expired \(ExpiredToken\)\. .*aws sso login.*OIDC token$/,
    ],
    [
        `${S3}, https response error StatusCode: 403, RequestID: , HostID: , api error InvalidAccessKeyId: …`,
        /^AWS refuses the credentials \(InvalidAccessKeyId\)/,
    ],
    [
        `${S3.replace("Unknown", "PermissionDenied")}, https response error StatusCode: 403, RequestID: , HostID: , api error AccessDenied: …`,
        /^the credentials have no right to read the state or its key \(AccessDenied\)/,
    ],
    [
        'warning: something else\nerror: unable to open state directory "file:///x": stat /x: no such file or directory\n',
        /^unable to open state directory "file:\/\/\/x": stat \/x: no such file or directory$/,
    ],
    ["", /^it printed nothing$/],
])("%j is explained", (stderr, cause) => {
    expect(pulumiCause(stderr)).toMatch(cause);
    expect(pulumiCause(stderr)).not.toContain("\n");
});

test("without the CLI: one sentence", async () => {
    const empty = mkdtempSync(join(tmpdir(), "linkmesh-path-"));
    try {
        vi.stubEnv("PATH", empty);
        await expect(pulumi(["stack", "output"])).rejects.toThrow(
            /^there is no `pulumi` on PATH\. Install the Pulumi CLI, or .*: --from FILE$/,
        );
    } finally {
        rmSync(empty, { recursive: true });
    }
});

test("a directory that is not there: one sentence", async () => {
    await expect(pulumi(["stack", "output"], "/does/not/exist")).rejects.toThrow(
        /^there is no directory \/does\/not\/exist/,
    );
});
