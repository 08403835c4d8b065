import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { LAB_DOMAIN } from "../../../lab/lab.ts";
import { TestCa } from "../../host/test-ca.ts";
import type { KeptStack } from "../dry-lab.ts";

/** Stacks that a version has made, by the name of their mode. */
export interface KeptStates {
    readonly version: string;
    readonly stacks: Readonly<Record<string, KeptStack & { /** Below the checkout. */ readonly program: string }>>;
}

const SUFFIX = ".json.br";
/** The steps' text repeats in each stack, so the window must hold all of them. */
const PARAMS = { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_QUALITY]: 11 };

/** Settings that are made anew for each use, because no private key is kept in clear. */
export async function ownCertificate(): Promise<{ tlsCertificate: string; tlsPrivateKey: string }> {
    const ca = await TestCa.create("CN=kept");
    const { cert, key } = await ca.issue([LAB_DOMAIN]);
    return { tlsCertificate: `${cert}\n${ca.pem}`, tlsPrivateKey: key };
}

/** The stack without keys in clear, paths of this machine, and times. */
export function cleaned({ settings, state, cloud }: KeptStack): KeptStack {
    const { checkpoint } = state;
    const resources = checkpoint.latest.resources.map((resource) => without(resource, OF_THIS_MACHINE));
    const instances = Object.entries(cloud.instances).map(([id, instance]) => [id, { ...instance, userData: "" }]);
    return {
        settings: without(settings, ["tlsPrivateKey"]),
        state: { ...state, checkpoint: { ...checkpoint, latest: { ...checkpoint.latest, resources } } },
        cloud: { ...cloud, instances: Object.fromEntries(instances) as typeof cloud.instances },
    };
}

const OF_THIS_MACHINE = ["sourcePosition", "stackTrace", "created", "modified"];

function without(values: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
    return Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)));
}

export function writeStates(states: KeptStates): string {
    const file = join(import.meta.dirname, `${states.version}${SUFFIX}`);
    writeFileSync(file, brotliCompressSync(JSON.stringify(states), { params: PARAMS }));
    return file;
}

/** The states of all versions that are kept. */
export function readStates(): KeptStates[] {
    return readdirSync(import.meta.dirname)
        .filter((name) => name.endsWith(SUFFIX))
        .map((name) => brotliDecompressSync(readFileSync(join(import.meta.dirname, name))).toString("utf8"))
        .map((text) => JSON.parse(text) as KeptStates);
}
