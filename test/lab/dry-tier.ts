import { join } from "node:path";
import { type CloudState, publicIpOf } from "../../lab/cloud/state.ts";
import type { Configuration } from "../../lab/engine/config.ts";
import { stop } from "../../lab/providers/aws/instance-network.ts";
import { DryLab, type KeptStack } from "./dry-lab.ts";
import { isRecording, record } from "./record-preview.ts";

// One machine, several nodes, fewer, and one machine again, as JSON: what becomes of the data volume, and what a preview would
// do then. In a process of its own, like a lab.

const ONE: Configuration = {
    domain: "linkmesh.example.test",
    sshAllowedCidrs: ["198.51.100.7/32"],
    linkmeshDebUrl: "https://packages.example.com/linkmesh_amd64.deb",
    linkmeshDebSha256: "0".repeat(64),
};
const THREE: Configuration = {
    ...ONE,
    nodes: 3,
    linkmeshConfig: { storage: { backend: "mongodb" } },
    linkmeshEnvironment: { LINKMESH_SECRET: "s3cret" },
};

const TWO: Configuration = { ...THREE, nodes: 2 };

export interface Stage {
    /** Ids of the volumes, each with the instance that has it. */
    volumes: Record<string, string | null>;
    instances: string[];
    /** Public addresses of the instances; "" for one that has none. */
    addresses: string[];
    /** What a preview of the same settings would do. */
    next: string[];
}

const lab = await DryLab.create(join(import.meta.dirname, "../.."));
const stages: Stage[] = [];

async function up(settings: Configuration, options: { refresh?: boolean } = {}): Promise<KeptStack> {
    const made = await lab.up(settings, options);
    const cloud = made.cloud as CloudState;
    const { volumes, instances } = cloud;
    stages.push({
        volumes: Object.fromEntries(
            Object.values(volumes).map(({ id, attachment }) => [id, attachment?.instanceId ?? null]),
        ),
        instances: Object.keys(instances),
        addresses: Object.values(instances).map(
            ({ networkInterfaceId }) => publicIpOf(cloud, cloud.networkInterfaces[networkInterfaceId]!) ?? "",
        ),
        next: await lab.preview(made),
    });
    return made;
}

/** Why a preview fails if the stack has lost its data volume, and only the volume with its tag is there. */
async function refusal({ state, ...kept }: KeptStack): Promise<string> {
    const lost = structuredClone(state);
    const { latest } = lost.checkpoint;
    latest.resources = latest.resources.filter(({ type }) => type !== "aws:ebs/volume:Volume");
    try {
        await lab.preview({ ...kept, state: lost });
        return "";
    } catch (error) {
        return (error as Error).message;
    } finally {
        await lab.preview({ ...kept, state });
    }
}

async function recordPreviews(previews: Record<string, Configuration>): Promise<void> {
    if (!isRecording) return;
    for (const [name, settings] of Object.entries(previews)) record(name, await lab.previewAsJson(settings));
}

/** What a preview would do to nodes that somebody has stopped. They stay so. */
async function stopAll({ cloud, ...kept }: KeptStack): Promise<string[]> {
    const stopped = structuredClone(cloud as CloudState);
    for (const instance of Object.values(stopped.instances)) stop(stopped, instance);
    return lab.preview({ ...kept, cloud: stopped }, { refresh: true });
}

try {
    await up({ ...ONE, finalSnapshot: true });
    await recordPreviews({ "nodes-instead": TWO });
    await up(THREE);
    const two = await up(TWO);
    const storage = { backend: "mongodb" };
    await recordPreviews({
        "nodes-settings": {
            ...TWO,
            collectorsExpected: 40000,
            linkmeshConfig: { storage, metrics: { enabled: true } },
        },
        "nodes-replacement": { ...TWO, instanceType: "t3.medium" },
        "nodes-back": ONE,
    });
    const refused = await refusal(two);
    const stopped = await stopAll(two);
    await up({ ...TWO, instanceType: "t3.medium" }, { refresh: true });
    await up(ONE);
    console.log(JSON.stringify({ stages, refused, stopped }));
} finally {
    lab.remove();
}
