import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { services } from "../../lab/services/services.ts";
import { cloud, onMachine, status, theLab } from "./lab.ts";

/** The settings of Session Manager with a stand-in for AWS's package, which the lab's package server offers. */
export function sessionManagerSettings(): Record<string, string> {
    const { packagesDir, packagesUrl } = services(theLab());
    const deb = join(packagesDir, "amazon-ssm-agent.deb");
    buildAgent(deb);
    const ssmAgentDebSha256 = createHash("sha256").update(readFileSync(deb)).digest("hex");
    return { sessionManager: "true", ssmAgentDebUrl: `${packagesUrl}/amazon-ssm-agent.deb`, ssmAgentDebSha256 };
}

export const NO_SESSION_MANAGER = { sessionManager: "", ssmAgentDebUrl: "", ssmAgentDebSha256: "" };

/** As AWS's package does, it starts its service when it is installed. */
function buildAgent(deb: string): void {
    const root = mkdtempSync(join(tmpdir(), "ssm-agent-"));
    const files: Record<string, [text: string, mode?: number]> = {
        "DEBIAN/control": [
            "Package: amazon-ssm-agent\nVersion: 3.3.0~standin\nArchitecture: all\nMaintainer: lab\nDescription: stand-in\n",
        ],
        "DEBIAN/postinst": ["#!/bin/sh\nsystemctl enable --now amazon-ssm-agent\n", 0o755],
        "DEBIAN/prerm": ["#!/bin/sh\nsystemctl disable --now amazon-ssm-agent\n", 0o755],
        "usr/lib/systemd/system/amazon-ssm-agent.service": [
            "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n",
        ],
    };
    for (const [path, [text, mode = 0o644]] of Object.entries(files)) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), text, { mode });
    }
    execFileSync("dpkg-deb", ["--root-owner-group", "--build", root, deb], { stdio: "ignore" });
    rmSync(root, { recursive: true });
}

/** The agent from a package of the settings. */
export function sessionManager(): void {
    test("the SSM agent runs, its role may hold sessions, and the output shows how to start one", async () => {
        expect(await onMachine("systemctl is-active amazon-ssm-agent; systemctl is-enabled amazon-ssm-agent")).toBe(
            "active\nenabled",
        );
        expect(JSON.stringify(cloud().roles)).toContain("ssmmessages:OpenDataChannel");
        expect((await status()).outputs.sessionCommand).toMatch(
            /^aws ssm start-session --region eu-central-1 --target i-[0-9a-f]{17}$/,
        );
    });
}

/** After it was removed from the settings. */
export function noSessionManager(): void {
    test("without sessionManager the agent, its rights and the output are gone", async () => {
        expect(await onMachine("dpkg-query -W -f '${db:Status-Status}' amazon-ssm-agent 2>/dev/null || true")).toBe("");
        expect(JSON.stringify(cloud().roles)).not.toContain("ssmmessages");
        expect((await status()).outputs.sessionCommand).toBeUndefined();
    });
}
