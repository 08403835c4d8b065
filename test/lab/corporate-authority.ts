import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { programInstance } from "../../lab/cloud/state.ts";
import { services } from "../../lab/services/services.ts";
import { cloud, lab, labOk, onMachine, servedSerial, sets, theLab } from "./lab.ts";

/** Another ACME authority, which requires external account binding and has an HTTPS certificate of a private CA. */
export function corporateAuthority(): void {
    let acme: ReturnType<typeof services>["corporateAcme"];
    let before: string;
    const failsWith = async (sentence: string, settings: Record<string, string>) => {
        const run = await lab("up", ...sets(settings));
        expect(run.exitCode).toBe(1);
        expect(run.stderr).toMatch(/^error: step certificate: the certificate authority gave no certificate/m);
        expect(run.stderr).toContain(sentence);
        expect(run.stdout + run.stderr).not.toContain(acme.eabHmacKey);
        expect(await servedSerial(), "the certificate that was served before").toBe(before);
    };
    beforeAll(async () => {
        acme = services(theLab()).corporateAcme;
        before = await servedSerial();
    });

    // The machine does not otherwise trust the root of its API's certificate.
    test("with another authority's CA bundle up fails and names the setting", async () => {
        await failsWith("set acmeCaBundle", { acmeDirectory: acme.directory });
    });

    test("without an account binding up fails and names the settings", async () => {
        await failsWith("set acmeEabKeyId and acmeEabHmacKey", { acmeCaBundle: readFileSync(acme.caFile, "utf8") });
    });

    test("with someone else's account binding up quotes the authority and says what to do", async () => {
        await failsWith(
            "the authority refuses acmeEabKeyId with acmeEabHmacKey (the field 'kid' references a key that is not known to the ACME server): copy both again",
            { acmeEabKeyId: "nobody", acmeEabHmacKey: acme.eabHmacKey },
        );
    });

    test("with the right account binding the certificate is the corporate authority's, and it renews", async () => {
        const run = await labOk("up", "--set", `acmeEabKeyId=${acme.eabKeyId}`);
        expect(run.stdout + run.stderr).not.toContain(acme.eabHmacKey);
        expect(await servedSerial()).not.toBe(before);
        const folder = await onMachine(
            "grep -o '/etc/letsencrypt/live/[^/]*' /etc/nginx/linkmesh/current/http-linkmesh.conf",
        );
        const lineage = folder.split("\n")[0]!.replace("live", "renewal");
        expect(await onMachine(`cat ${lineage}.conf`)).toContain(`server = ${acme.directory}`);
        await labOk("renew");
    });

    test("the binding's key stays in no configuration file, log or home directory of the machine", async () => {
        // A control file proves that the search finds the key.
        await onMachine(`echo ${acme.eabHmacKey} >/root/planted`);
        expect(await onMachine(`grep -rlsF -e ${acme.eabHmacKey} /etc /var/log /root /home /tmp`)).toBe(
            "/root/planted",
        );
        await onMachine("rm /root/planted");
    });

    test("CAA records allow its one account only, with a warning", async () => {
        const account = `${new URL(acme.directory).origin}/my-account/1`;
        const issuer = new URL(acme.directory).hostname;
        const run = await labOk("up", ...sets({ caaIssuer: issuer, caaAccountUri: account }));
        expect(run.stdout).toMatch(/! .*caaAccountUri: only this account's key/);
        const answer = await onMachine("dig +short CAA linkmesh.example.test @ns1.example.test | sort");
        expect(answer).toBe(`0 issue "${issuer}; accounturi=${account}"\n0 issuewild ";"`);
        await labOk("up", ...sets({ caaIssuer: "", caaAccountUri: "" }));
    });

    test("after the DNS challenge the machine keeps its role, without any rights", () => {
        const { roles, instanceProfiles } = cloud();
        expect(Object.values(roles).map(({ inlinePolicies = {} }) => Object.keys(inlinePolicies))).toEqual([[]]);
        expect(Object.keys(instanceProfiles)).toEqual([programInstance(cloud())!.iamInstanceProfile]);
    });
}
