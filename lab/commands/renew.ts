import { readFileSync } from "node:fs";
import { connect } from "node:tls";
import { setTimeout as sleep } from "node:timers/promises";
import { LabError, type Lab } from "../lab.ts";
import { lockLab, requireLab } from "../slots.ts";
import { services } from "../services/services.ts";
import { Ui } from "../ui.ts";
import { askMachine } from "./machine.ts";
import { requireMachineUp } from "./paused.ts";
import { readOutputs } from "./session.ts";
import { type LabOutputs, hostOf, requireOutputs, tierOf } from "./endpoints.ts";

/** How long nginx may take to serve a new certificate, in milliseconds. */
const RELOAD_MS = 60_000;

/** Renews the certificate although it is not due, and checks by its serial that nginx serves the new one. */
export async function renew(options: { verbose?: boolean }): Promise<void> {
    const lab = requireLab();
    const unlock = await lockLab(lab, "renew");
    try {
        const outputs = requireOutputs(readOutputs(lab));
        if (outputs.certificateSource === "own") throw new LabError("the certificate is your own: nothing renews it");
        if (tierOf(outputs)) throw new LabError("the load balancer has the certificate: AWS renews it");
        await requireMachineUp(lab);
        const ui = new Ui({ verbose: options.verbose });
        const before = await servedSerial(lab, outputs);
        await ui.stage("certificate renewed by certbot on the machine", async () => {
            // With the environment of the timer's service, which has the CA of the ACME server.
            const environment = "$(systemctl show --property=Environment --value certbot.service)";
            const lineage =
                "$(sed -n '/ssl_certificate .*live/{s|.*live/\\(.*\\)/fullchain.*|\\1|p;q}' /etc/nginx/linkmesh/current/http-linkmesh.conf)";
            const command = `sudo env ${environment} certbot renew --cert-name ${lineage} --force-renewal --no-random-sleep-on-renew`;
            const { exitCode, output } = await askMachine(lab, command);
            const lines = output.split("\n").filter((line) => line.trim() !== "" && !/^[- ]+$/.test(line));
            if (exitCode !== 0)
                throw new LabError(
                    `certbot on the machine failed: ${lines.at(-1) ?? `exit code ${exitCode}`}\nSee \`npm run lab -- logs certbot\``,
                );
        });
        const after = await ui.stage("new certificate served by nginx", () => awaitNewSerial(lab, outputs, before));
        ui.info("");
        ui.info(`serial before  ${before}`);
        ui.info(`serial after   ${after}`);
    } finally {
        unlock();
    }
}

async function awaitNewSerial(lab: Lab, outputs: LabOutputs, before: string): Promise<string> {
    const deadline = Date.now() + RELOAD_MS;
    for (;;) {
        const serial = await servedSerial(lab, outputs);
        if (serial !== before) return serial;
        if (Date.now() > deadline) {
            throw new LabError(
                "certbot has renewed the certificate, but nginx still serves the old one: see `npm run lab -- logs nginx`",
            );
        }
        await sleep(500);
    }
}

/** Serial of the served certificate. @throws LabError if no certificate is served or it is not trusted */
export function servedSerial(lab: Lab, outputs: Pick<LabOutputs, "publicUrl" | "ipv4">): Promise<string> {
    const servername = hostOf(outputs);
    const ca = readFileSync(services(lab).publicCaFile, "utf8");
    return new Promise((resolve, reject) => {
        const socket = connect({ host: outputs.ipv4, port: 443, servername, ca, timeout: 10_000 }, () => {
            const { serialNumber } = socket.getPeerCertificate();
            socket.destroy();
            resolve(serialNumber);
        });
        const fail = (reason: string) => {
            socket.destroy();
            reject(new LabError(`${servername} (${outputs.ipv4}:443) does not answer: ${reason}`));
        };
        socket.on("error", (error: Error) => fail(error.message));
        socket.on("timeout", () => fail("no answer within 10 s"));
    });
}
