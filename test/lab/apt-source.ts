import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import * as openpgp from "openpgp";
import { expect, test } from "vitest";
import { buildPackage } from "../../lab/linkmesh/build.ts";
import { services } from "../../lab/services/services.ts";
import { lab, labOk, linkmeshInfo, onMachine, theLab } from "./lab.ts";

const NEWER = "1.102.0~standin";

/** LinkMesh from a signed APT source instead of a package file: an upgrade that keeps the identity. */
export function aptSource(): void {
    test("a newer version is installed from an APT source, and the internal CA stays", async () => {
        const before = await linkmeshInfo();
        const source = await publishSource(NEWER);
        const settings = ["--set", `linkmeshAptSource=${source.line}`, "--set", `linkmeshAptKey=${source.key}`];

        const wrong = await lab("up", ...settings, "--set", "linkmeshVersion=1.0.0");
        expect(wrong.exitCode).not.toBe(0);
        expect(wrong.stderr).toMatch(/step package: linkmeshVersion: the source .* has no linkmesh-server 1\.0\.0: /);
        expect((await linkmeshInfo()).version).toBe(before.version);
        expect(await sourceFiles()).toBe("");

        await labOk("up", ...settings, "--set", `linkmeshVersion=${NEWER}`);
        expect(await linkmeshInfo()).toMatchObject({ version: NEWER, caFingerprint: before.caFingerprint });
        await labOk("check");
        expect(await sourceFiles()).not.toBe("");
    });

    test("a source that does not answer does not replace the one that does", async () => {
        const present = await sourceFiles();
        const source = `http://${theLab().net.packages}:81/apt ./`;
        const run = await lab("up", "--set", `linkmeshAptSource=${source}`, "--set", "linkmeshVersion=1.103.0");
        expect(run.exitCode).not.toBe(0);
        expect(run.stderr).toMatch(
            /step package: linkmeshAptSource: \S+ \S+ cannot be read \(Failed to fetch .*:81\/apt.*: check the address/,
        );
        expect(await sourceFiles()).toBe(present);
    });

    test("an older package file does not replace a newer version", async () => {
        const back = ["--set", "linkmeshAptSource=", "--set", "linkmeshAptKey=", "--set", "linkmeshVersion="];
        const run = await lab("up", ...back);
        expect(run.exitCode).not.toBe(0);
        expect(run.stderr).toMatch(
            /step package: .*LinkMesh 1\.102\.0~standin has written the data and 1\.101\.0~standin is older/,
        );
        await labOk("check");
    });
}

/** LinkMesh's source in APT's lists. */
function sourceFiles(): Promise<string> {
    return onMachine("cd /etc/apt && cat sources.list.d/linkmesh.list keyrings/linkmesh.asc 2>/dev/null || true");
}

/** A flat, signed APT source on the lab's package server. */
async function publishSource(version: string): Promise<{ line: string; key: string }> {
    const { packagesDir, packagesUrl } = services(theLab());
    const directory = join(packagesDir, "apt");
    mkdirSync(directory, { recursive: true });
    const { file } = await buildPackage({ outDir: directory, version });
    const bytes = readFileSync(file);
    const control = execFileSync("dpkg-deb", ["--field", file], { encoding: "utf8" }).trimEnd();
    const digest = (data: Buffer | string) => createHash("sha256").update(data).digest("hex");
    const packages = `${control}\nFilename: ./${basename(file)}\nSize: ${bytes.length}\nSHA256: ${digest(bytes)}\n\n`;
    const release = `Origin: test\nDate: ${new Date().toUTCString()}\nSHA256:\n ${digest(packages)} ${Buffer.byteLength(packages)} Packages\n`;
    const { privateKey, publicKey } = await openpgp.generateKey({
        userIDs: [{ name: "test source" }],
        format: "object",
    });
    const message = await openpgp.createCleartextMessage({ text: release });
    writeFileSync(join(directory, "Packages"), packages);
    writeFileSync(join(directory, "InRelease"), await openpgp.sign({ message, signingKeys: privateKey }));
    return { line: `${packagesUrl}/apt ./`, key: publicKey.armor() };
}
