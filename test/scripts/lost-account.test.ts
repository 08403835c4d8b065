import { spawnSync } from "node:child_process";
import { mkdtempSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { SCRIPTS, SOURCE_FUNCTIONS } from "./files.ts";

const directory = mkdtempSync(join(tmpdir(), "lost-account-"));
const accounts = join(directory, "accounts/acme.example.com/acme/dir");
afterAll(() => rmSync(directory, { recursive: true }));
beforeEach(() => {
    rmSync(directory, { recursive: true });
    mkdirSync(join(accounts, "old"), { recursive: true });
});

/** certbot's words in the log and on the terminal, as version 4.0.0 has them. */
const LOST = `echo '"type": "urn:ietf:params:acme:error:accountDoesNotExist"' >>$CERTBOT_LOG
    echo "An unexpected error occurred:"; echo "Account https://acme.example.com/acct/6fb1 not found."; return 1`;

/** Orders a certificate. @param certbot what it does; $tries counts from 1 */
function order(certbot: string, acmeDirectory = "https://acme.example.com/acme/dir") {
    const script = `${SOURCE_FUNCTIONS}; source ./certificate.sh
        fail() { echo "error: $*"; exit 1; }
        DIRECTORY=${acmeDirectory} NAME_LIST=linkmesh.example.com LINEAGE=l EMAIL='' AUTHENTICATOR=webroot
        WORK=${directory} FILES=${directory} ACCOUNTS=${directory}/accounts CERTBOT_LOG=${directory}/log
        serial_on_disk() { [ ! -e ${directory}/ordered ] || echo 1; }
        lineage_fits() { true; }
        add_order() { ORDER=added; }
        remove_order() { echo removed; }
        systemctl() { false; }
        sleep() { true; }
        tried=0
        certbot() { tried=$((tried + 1)); echo run >>$CERTBOT_LOG; ${certbot}; touch ${directory}/ordered; }
        order; echo "ordered, $tried tries"`;
    const { stdout, stderr } = spawnSync("bash", ["-c", script], { cwd: SCRIPTS, encoding: "utf8" });
    return { stderr, lines: stdout.trim().split("\n"), accounts: readdirSync(join(accounts, "..")).sort() };
}

const REGISTERING =
    "warning: the certificate authority does not know this machine's account any more, so a new one is registered.";

test.each([
    "https://acme.example.com/acme/dir",
    "https://acme.example.com/acme/dir/",
    "https://acme.example.com/acme/dir?x",
])("an account that %s has lost is set aside, and certbot registers a new one", (acmeDirectory) => {
    const found = order(`if [ -e ${accounts}/old ]; then ${LOST}; fi; mkdir -p ${accounts}/new`, acmeDirectory);
    expect(found).toEqual({ stderr: "", lines: [REGISTERING, "ordered, 2 tries"], accounts: ["dir", "dir.lost"] });
    expect(readdirSync(`${accounts}.lost`)).toEqual(["old"]);
    expect(readdirSync(accounts)).toEqual(["new"]);
});

test("an account that was set aside earlier is replaced", () => {
    mkdirSync(`${accounts}.lost/older`, { recursive: true });
    order(`if [ -e ${accounts}/old ]; then ${LOST}; fi; mkdir -p ${accounts}/new`);
    expect(readdirSync(`${accounts}.lost`)).toEqual(["old"]);
});

test("an authority that loses the new account as well is an error after one more try", () => {
    const { lines } = order(`mkdir -p ${accounts}/new; ${LOST}`);
    expect(lines.slice(0, 2)).toEqual([REGISTERING, "removed"]);
    expect(lines[2]).toMatch(/^error: .*Account https:\/\/acme\.example\.com\/acct\/6fb1 not found/);
    expect(lines).toHaveLength(3);
});

test("any other refusal leaves the account where it is", () => {
    const { lines, accounts: left } = order('echo "Detail: no such host"; return 1');
    expect(lines).toEqual(["removed", expect.stringMatching(/^error: .*no such host/)]);
    expect(left).toEqual(["dir"]);
});

test("an account that an earlier run lost, according to the log, does not count as lost", () => {
    writeFileSync(join(directory, "log"), "error:accountDoesNotExist\n".repeat(3));
    const { lines, accounts: left } = order('echo "Detail: no such host"; return 1');
    expect(lines).toEqual(["removed", expect.stringMatching(/^error: .*no such host/)]);
    expect(left).toEqual(["dir"]);
});

test("without an account of this directory nothing is set aside", () => {
    const { lines } = order(LOST, "https://other.example.com/dir");
    expect(lines).toEqual(["removed", expect.stringMatching(/^error: .*not found/)]);
});
