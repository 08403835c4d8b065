import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXISTING_SUBNET_DUAL, EXISTING_VPC } from "./cloud/existing-network.ts";
import { IMAGES } from "./cloud/images.ts";
import type { CloudState } from "./cloud/state.ts";
import type { CloudStore } from "./cloud/store.ts";
import { type Lab, LabError } from "./lab.ts";
import { instance } from "./providers/aws/instance.ts";
import { terminate } from "./providers/aws/instances.ts";
import { eipAssociation } from "./providers/aws/addresses.ts";
import { deleteInterface, networkInterface } from "./providers/aws/interfaces.ts";
import { type Cloud, newId } from "./providers/aws/resource-type.ts";
import { deleteGroup, egressRule, ingressRule, securityGroup } from "./providers/aws/security.ts";
import { dial } from "./providers/command/dial.ts";
import { generateKey } from "./providers/tls/keys.ts";

const USER = "admin";
const REGION = "eu-central-1";
/** The last elastic address. It never changes, and the program's addresses do not depend on the bastion. */
const ADDRESS_NUMBER = 254;
const BOOT_MS = 300_000;

/** The bastion as the program's settings describe it. */
export interface Bastion {
    host: string;
    user: string;
    /** The public host key in the format of authorized_keys. */
    hostKey: string;
    /** File with the private key to log in with. */
    privateKeyFile: string;
}

/** Key pairs in OpenSSH format. */
export interface BastionKeys {
    login: { privateKey: string; publicKey: string };
    host: { privateKey: string; publicKey: string };
}

/**
 * Makes or starts the bastion, the operator's own machine in the existing network. Returns when it accepts SSH
 * connections.
 */
export async function startBastion(store: CloudStore, apply: (state: CloudState) => Promise<void>): Promise<Bastion> {
    const { lab } = store;
    const keys = await bastionKeys(lab);
    await store.change((state) => addBastion({ state, lab, region: REGION }, keys));
    // The store does not apply an unchanged state, but a reboot may have ended the machine.
    await apply(await store.read());
    const bastion = bastionOf(lab);
    const connection = { ...bastion, privateKey: keys.login.privateKey, port: 22 };
    const signal = AbortSignal.timeout(BOOT_MS);
    try {
        (await dial({ ...connection, dialErrorLimit: -1, perDialTimeout: 5 }, { signal })).close();
    } catch (error) {
        if (!signal.aborted) throw error;
        throw new LabError(
            `the bastion accepts no SSH connection after ${BOOT_MS / 1000} s: see its console in ${lab.dir}/logs`,
        );
    }
    return bastion;
}

/** Removes the machine, its address and its keys. */
export async function stopBastion(store: CloudStore): Promise<void> {
    await store.change((state) => removeBastion(state));
    rmSync(keysDir(store.lab), { recursive: true, force: true });
}

/** The lab's bastion, if it has one. */
export function findBastion(lab: Lab): Bastion | undefined {
    return existsSync(keysDir(lab)) ? bastionOf(lab) : undefined;
}

function bastionOf(lab: Lab): Bastion {
    return {
        host: lab.net.elasticAddress(ADDRESS_NUMBER),
        user: USER,
        hostKey: readFileSync(join(keysDir(lab), "host.pub"), "utf8").trim(),
        privateKeyFile: join(keysDir(lab), "id"),
    };
}

/** Adds the machine and its objects to the cloud, once. They have no tags of the program, like another owner's. */
export function addBastion(cloud: Cloud, { login, host }: BastionKeys): void {
    const { state, lab } = cloud;
    if (state.bastion) return;
    const securityGroupId = securityGroup.create(cloud, { name: "bastion", vpcId: EXISTING_VPC });
    const rule = { securityGroupId, ipProtocol: "tcp", fromPort: 22, toPort: 22 };
    ingressRule.create(cloud, { ...rule, cidrIpv4: `${lab.net.outer}/32` });
    egressRule.create(cloud, { securityGroupId, ipProtocol: "-1", cidrIpv4: "0.0.0.0/0" });
    egressRule.create(cloud, { securityGroupId, ipProtocol: "-1", cidrIpv6: "::/0" });
    const networkInterfaceId = networkInterface.create(cloud, {
        subnetId: EXISTING_SUBNET_DUAL,
        securityGroups: [securityGroupId],
        ipv6AddressCount: 1,
    });
    const allocationId = newId("eipalloc");
    state.addresses[allocationId] = { allocationId, publicIp: lab.net.elasticAddress(ADDRESS_NUMBER) };
    eipAssociation.create(cloud, { allocationId, networkInterfaceId });
    const userData = {
        ssh_keys: { ed25519_private: host.privateKey, ed25519_public: host.publicKey.trim() },
        ssh_authorized_keys: [login.publicKey.trim()],
        ssh_pwauth: false,
    };
    const instanceId = instance.create(cloud, {
        ami: IMAGES[0].imageId,
        instanceType: "t3.nano",
        primaryNetworkInterface: { networkInterfaceId },
        // JSON is YAML.
        userData: `#cloud-config\n${JSON.stringify(userData)}\n`,
    });
    state.bastion = { instanceId, networkInterfaceId, allocationId, securityGroupId };
}

export function removeBastion(state: CloudState): void {
    if (!state.bastion) return;
    const { instanceId, networkInterfaceId, allocationId, securityGroupId } = state.bastion;
    terminate(state, instanceId);
    deleteInterface(state, networkInterfaceId);
    delete state.addresses[allocationId];
    deleteGroup(state, securityGroupId);
    delete state.bastion;
}

/** The bastion's keys, which are generated once. */
async function bastionKeys(lab: Lab): Promise<BastionKeys> {
    const dir = keysDir(lab);
    if (!existsSync(dir)) {
        // Written to a draft and renamed, so that there are two complete pairs or none.
        const draft = `${dir}.new`;
        rmSync(draft, { recursive: true, force: true });
        mkdirSync(draft, { recursive: true, mode: 0o700 });
        for (const name of ["id", "host"]) {
            const { privateKeyOpenssh, publicKeyOpenssh } = await generateKey({ algorithm: "ED25519" });
            writeFileSync(join(draft, name), privateKeyOpenssh, { mode: 0o600 });
            writeFileSync(join(draft, `${name}.pub`), publicKeyOpenssh, { mode: 0o600 });
        }
        renameSync(draft, dir);
    }
    const pair = (name: string) => ({
        privateKey: readFileSync(join(dir, name), "utf8"),
        publicKey: readFileSync(join(dir, `${name}.pub`), "utf8"),
    });
    return { login: pair("id"), host: pair("host") };
}

function keysDir(lab: Lab): string {
    return join(lab.dir, "bastion");
}
