import { expect, test } from "vitest";
import { certificatesIssued } from "../../lab/services/acme-front.ts";
import { lab, labOk, onMachine, theLab } from "./lab.ts";

const PRODUCTION = "https://acme-v02.api.letsencrypt.org/directory";
const LEDGER = "/srv/linkmesh/identity/orders";

/** Let's Encrypt's limits are the user's: no order without need, and none that would be refused. */
export function orderLimits(): void {
    test("staging and production take one order each, and none on the way back", async () => {
        const before = certificatesIssued(theLab());
        const ordered = () => {
            const now = certificatesIssued(theLab());
            return { staging: now.staging - before.staging, production: now.production - before.production };
        };
        const lineage = () =>
            onMachine("grep -o 'live/[^/]*' /etc/nginx/linkmesh/current/http-linkmesh.conf | sort -u");
        await labOk("up", "--set", "acmeDirectory=staging");
        const first = ordered();
        expect(await lineage()).toBe("live/linkmesh.example.test-staging");
        await labOk("up", "--set", "acmeDirectory=production");
        expect(ordered()).toEqual({ ...first, production: 1 });
        expect(await lineage()).toBe("live/linkmesh.example.test");
        expect(await onMachine("grep '^server' /etc/letsencrypt/renewal/linkmesh.example.test.conf")).toBe(
            `server = ${PRODUCTION}`,
        );
        await labOk("up", "--set", "acmeDirectory=staging");
        await labOk("up", "--set", "acmeDirectory=production");
        expect(ordered()).toEqual({ ...first, production: 1 });
    });

    test("the sixth certificate in 7 days is not ordered, and up says from when it can be", async () => {
        const now = Math.floor(Date.now() / 1000);
        const HOUR = 3600;
        const ages = [8 * 24, 150, 100, 50, 2].map((hours) => now - hours * HOUR);
        // The first lies further back than 7 days; with the one of the test before it makes five.
        const lines = ages.map((time) => `${time} ${PRODUCTION} linkmesh.example.test`).join("\n");
        await onMachine(`cp -a ${LEDGER} ${LEDGER}.before; echo '${lines}' >>${LEDGER}`);
        const issued = certificatesIssued(theLab()).production;

        // A certificate that is there and valid is used on.
        await labOk("up", "--replace", "linkmesh-certificate");
        await onMachine(
            "cd /etc/letsencrypt && mkdir /root/aside && mv live/linkmesh.example.test renewal/linkmesh.example.test.conf /root/aside",
        );
        const run = await lab("up", "--replace", "linkmesh-certificate");
        await onMachine(
            "cd /root/aside && mv linkmesh.example.test /etc/letsencrypt/live/ && mv *.conf /etc/letsencrypt/renewal/ && rmdir /root/aside",
        );
        const possible = new Date((ages[1]! + 7 * 24 * HOUR) * 1000).toISOString().replace("T", " ").slice(0, 16);
        expect(run.exitCode).not.toBe(0);
        expect(run.stderr).toContain(
            `error: step certificate: linkmesh.example.test has had 5 certificates from ${PRODUCTION} in 7 days, and 5 is its limit: run pulumi up again after ${possible} UTC, or set acmeDirectory to staging meanwhile.`,
        );
        expect(certificatesIssued(theLab()).production).toBe(issued);

        await onMachine(`mv ${LEDGER}.before ${LEDGER}`);
        await labOk("up", "--set", "acmeDirectory=");
        await labOk("check");
    });
}
