import { expect, test } from "vitest";
import { metricKey } from "../../lab/cloud/watch-state.ts";
import { cloud, labOk, onMachine, status, tryOnMachine } from "./lab.ts";
import type { Run } from "./run.ts";

/** Anew, should the timer's own report be under way: that one may have looked before. */
const REPORT = "systemctl restart linkmesh-proxy-metrics";
const PUSH = "/usr/local/lib/linkmesh-proxy/push-metrics";
const ITEMS = ["linkmesh", "certificate", "renewal", "disk"];

/** The last value that the machine has reported of an item. */
function reported(metricName: "Failed" | "Number", Item: string): number | undefined {
    const dimensions = { Stack: "linkmesh-proxy/lab/linkmesh", Item };
    return cloud().metrics[metricKey({ namespace: "LinkMeshProxy", metricName, dimensions })]?.value;
}

/** The alarms that would ring, by the last part of their names. */
async function ringing(): Promise<string[]> {
    const { alarms } = await status();
    return alarms
        .filter(({ state }) => state === "ALARM")
        .map(({ name }) => /^linkmesh-alarms-(.*)-[0-9a-f]{7}$/.exec(name)![1]!)
        .sort();
}

/** Alarms by mail, https and gRPC open to everyone, in both families. */
export function alarms(up: () => Run): void {
    test("every alarm, check, topic and subscription is there, and up asks to confirm the mails", async () => {
        const { alarms: made, healthChecks, subscriptions } = cloud();
        expect(Object.keys(made)).toHaveLength(10);
        const { ipv4, ipv6 } = (await status()).outputs;
        expect(
            Object.values(healthChecks)
                .map(({ type, ipAddress, port }) => `${type} ${ipAddress} ${port}`)
                .sort(),
        ).toEqual([`HTTPS ${ipv4} 443`, `HTTPS ${ipv6} 443`, `TCP ${ipv4} 50051`, `TCP ${ipv6} 50051`].sort());
        expect(Object.values(subscriptions).map(({ endpoint }) => endpoint)).toEqual(Array(2).fill("ops@example.test"));
        const said = up().stdout + up().stderr;
        for (const region of ["eu-central-1", "us-east-1"])
            expect(said).toContain(`alarms: AWS has sent ops@example.test a mail about the alarms in ${region}`);
    });

    test("the machine has reported how it is, with the rights of its role, and no alarm rings", async () => {
        expect(ITEMS.map((item) => reported("Failed", item))).toEqual([0, 0, 0, 0]);
        const used = await onMachine(
            "df --output=pcent / /srv/linkmesh | tail -n2 | tr -dc '0-9\\n' | sort -n | tail -n1",
        );
        expect(reported("Number", "disk")).toBeGreaterThanOrEqual(Number(used) - 2);
        expect(reported("Number", "certificate")).toBeGreaterThan(30);
        expect(await ringing()).toEqual([]);
        expect(await onMachine("systemctl is-enabled linkmesh-proxy-metrics.timer")).toBe("enabled");
    });

    test("a full disk and a stopped LinkMesh are reported, and their alarms ring until they are well again", async () => {
        const free = Number(await onMachine("df --output=avail -B1M /srv/linkmesh | tail -n1"));
        await onMachine(
            `fallocate -l ${Math.floor(free * 0.95)}M /srv/linkmesh/filler && systemctl stop linkmesh-server`,
        );
        await onMachine(REPORT);
        expect(ITEMS.filter((item) => reported("Failed", item) === 1)).toEqual(["linkmesh", "disk"]);
        expect(reported("Number", "disk")).toBeGreaterThanOrEqual(90);
        expect(await ringing()).toEqual(["disk", "linkmesh"]);
        expect((await labOk("status")).stdout).toMatch(/^alarm +linkmesh-alarms-disk-\w+ rings: Failed is 1$/m);
        await onMachine("rm /srv/linkmesh/filler && systemctl start linkmesh-server");
        await onMachine("timeout 60 bash -c 'until /usr/local/lib/linkmesh-proxy/health; do sleep 0.5; done'");
        await onMachine(REPORT);
        expect(await ringing()).toEqual([]);
    });

    test("the role writes no metric of another namespace", async () => {
        const environment = "REGION=eu-central-1 STACK=linkmesh-proxy/lab/linkmesh NAMESPACE=Other";
        const refused = await tryOnMachine(`${environment} ${PUSH}`);
        expect(refused.exitCode).toBe(1);
        expect(refused.stderr).toMatch(/^error: CloudWatch answers 403: User: .* is not authorized .*PutMetricData/m);
    });
}

/** After alarms were removed from the settings. */
export function noAlarms(): void {
    test("without alarms nothing of it is left: not in AWS, in the role's rights, or on the machine", async () => {
        const { alarms: left, topics, subscriptions, healthChecks, roles } = cloud();
        expect({ left, topics, subscriptions, healthChecks }).toEqual({
            ...{ left: {}, topics: {}, subscriptions: {}, healthChecks: {} },
        });
        expect(JSON.stringify(roles)).not.toContain("PutMetricData");
        expect((await status()).alarms).toEqual([]);
        const units = await onMachine(
            `ls ${PUSH} /etc/systemd/system/linkmesh-proxy-metrics* 2>/dev/null; systemctl list-units --all --no-legend 'linkmesh-proxy-metrics*'`,
        );
        expect(units).toBe("");
    });
}
