import { afterAll, expect, test } from "vitest";
import { certificatesIssued, setAcmeFault } from "../../lab/services/acme-front.ts";
import { lab, labOk, onMachine, theLab } from "./lab.ts";

/** The settings that name Let's Encrypt's own directories, against the lab's stand-in for them. */
export function letsEncrypt(): void {
    afterAll(() => setAcmeFault(theLab(), undefined));

    test("the limit for the same names: told as Let's Encrypt tells it, the surfaces answer on", async () => {
        setAcmeFault(theLab(), { status: 429, times: 1 });
        const run = await lab("up", "--set", "acmeDirectory=production");
        expect(run.exitCode).toBe(1);
        expect(run.stderr).toMatch(/step certificate: .*too many certificates \(5\) already issued for this exact set/);
        await labOk("check");
    });

    test("the next up gets its certificate from production, under Let's Encrypt's own name", async () => {
        const before = certificatesIssued(theLab());
        await labOk("up");
        expect(certificatesIssued(theLab())).toEqual({ ...before, production: before.production + 1 });
        expect(await onMachine("grep -h '^server' /etc/letsencrypt/renewal/*.conf")).toContain(
            "server = https://acme-v02.api.letsencrypt.org/directory",
        );
        await labOk("up", "--set", "acmeDirectory=");
    });
}
