import { afterEach, beforeAll, expect, test } from "vitest";
import { HEALTH_PATH } from "../../components/health.ts";
import { Clients } from "./clients.ts";
import { onMachine, status } from "./lab.ts";

/** The health URL of a real machine, which no program asks unless it is asked itself. */
export function health(): void {
    let clients: Clients;
    beforeAll(async () => {
        clients = new Clients(await status());
    });
    const url = async () => {
        const { status, body } = await clients.http(HEALTH_PATH);
        return `${status} ${body}`.trim();
    };
    const why = async () => (await onMachine(`curl -s http://127.0.0.1${HEALTH_PATH}`)).replaceAll("\t", " ");
    const becomes = (answer: string) => expect.poll(url, { timeout: 120_000, interval: 1_000 }).toBe(answer);

    afterEach(async () => {
        await onMachine(
            "systemctl start linkmesh-server linkmesh-proxy-health.socket certbot.timer; rm -f /srv/linkmesh/filler",
        );
        await becomes("200 well");
    });

    test("it is 200 after up, and the machine itself is told more", async () => {
        expect(await url()).toBe("200 well");
        expect((await why()).split("\n").map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
            "linkmesh ok",
            "certificate ok",
            "renewal ok",
            "disk ok",
        ]);
    });

    test("it is 503 while LinkMesh is stopped, nothing renews the certificate and the data volume is nearly full", async () => {
        await onMachine("systemctl stop linkmesh-server certbot.timer");
        await onMachine("fallocate -l $(df --output=avail -B1 /srv/linkmesh | tail -n1) /srv/linkmesh/filler");
        await becomes("503 not well");
        expect((await why()).split("\n")).toEqual([
            expect.stringMatching(/^linkmesh wrong 000 LinkMesh does not answer/),
            expect.stringMatching(/^certificate ok /),
            expect.stringMatching(/^renewal wrong {2}certbot\.timer does not run/),
            expect.stringMatching(/^disk wrong 100 \/srv\/linkmesh is 100 % full/),
        ]);
    });

    test("it is 503 if the machine cannot say how it is", async () => {
        await onMachine("systemctl stop linkmesh-proxy-health.socket");
        await expect.poll(url, { timeout: 120_000, interval: 1_000 }).toMatch(/^503 (?!not well)/);
    });

    test("the program that answers may do nothing else on the machine", async () => {
        const user = "systemctl show --property=User,CapabilityBoundingSet,NoNewPrivileges linkmesh-proxy-health@x";
        expect((await onMachine(user)).split("\n").sort()).toEqual([
            "CapabilityBoundingSet=",
            "NoNewPrivileges=yes",
            "User=www-data",
        ]);
    });
}
