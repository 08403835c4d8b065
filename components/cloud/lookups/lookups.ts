import * as pulumi from "@pulumi/pulumi";
import { checkConnection } from "../../host/preflight.ts";
import { testValue } from "../../settings/secret.ts";
import { LISTENERS } from "../../listeners.ts";
import type { Settings } from "../../settings/settings.ts";
import { isIpv6 } from "../../networks.ts";
import { OPERATING_SYSTEM_FACTS, type OperatingSystem } from "../../operating-systems.ts";
import { loginKeyName } from "../login-key.ts";
import { findImage } from "./image.ts";
import { findInstanceType } from "./instance-type.ts";
import { refuseOtherPartition } from "./partition.ts";
import { chooseAvailabilityZone } from "./availability-zone.ts";
import {
    refuseTooManyNames,
    refuseTooManyRules,
    warnAboutAddressQuota,
    warnAboutAddressesOfBalancer,
} from "./quotas.ts";
import { refuseAgent } from "./agent.ts";
import { findRegion, refuseUnreachedTopics } from "./region.ts";
import { findDataVolume, findKeptVolumes, findSnapshot, refuseForeignSnapshot } from "./storage.ts";
import { type ExistingSubnet, findSubnet } from "./subnet.ts";
import { findSpread } from "./zones.ts";
import type { Zone } from "../dns/provider.ts";
import { DNS_PROVIDERS } from "../dns/providers.ts";

/** Results of the lookups, as plain data that is known in the first preview. */
export interface Lookups {
    /** The zone of the records; undefined if the user makes them. */
    readonly zone?: Zone;
    readonly imageId: string;
    /** GiB that the image's root disk needs. */
    readonly rootVolumeSize: number;
    readonly operatingSystem: OperatingSystem;
    /** Whether the instance type uses CPU credits. */
    readonly burstable: boolean;
    /** Of the machine, its data volume and a subnet that the program creates. */
    readonly availabilityZone: string;
    /** The existing subnet that the settings name. */
    readonly subnet?: { readonly id: string; readonly vpcId: string };
    /** The availability zones of several nodes' subnets; undefined for one machine. */
    readonly zones?: readonly string[];
    /** Zones in which several nodes can be. */
    readonly offered?: readonly string[];
    /** The existing subnets of several nodes, sorted; empty if the program creates them. */
    readonly subnets?: readonly ExistingSubnet[];
    /** With several nodes, the data volumes of one machine before. */
    readonly keptVolumes?: readonly string[];
    /** The machine's subnet has IPv6. */
    readonly ipv6: boolean;
    /** Whether AWS can recover machines of the instance type. */
    readonly recoverable: boolean;
    /** The stack's region. Only looked up for alarms and sessionManager. */
    readonly region?: string;
    /** For a new data volume. */
    readonly snapshotId?: string;
}

/**
 * Does all lookups, before anything is created.
 * @param name of the LinkMeshProxy, which is part of the tag of its data volume and snapshots.
 * @throws RunError with one sentence that names the setting to change.
 */
export async function lookUp(name: string, settings: Settings, opts: pulumi.InvokeOptions = {}): Promise<Lookups> {
    const several = settings.nodes > 1;
    if (several) refuseLongName(name);
    await refuseOtherPartition(opts);
    const [zone, type, snapshot, volume, keptVolumes, subnet] = await Promise.all([
        DNS_PROVIDERS[settings.dns].findZone(settings, opts),
        findInstanceType(settings, opts),
        findSnapshot(name, settings, opts),
        several ? undefined : findDataVolume(name, settings, opts),
        several ? findKeptVolumes(name, opts) : undefined,
        findSubnet(settings, opts),
        checkConnection(settings),
    ]);
    const image = await findImage(settings, type, opts);
    refuseOtherPackage(settings, type.architecture);
    if (volume) {
        refuseShrinking(settings, volume);
        warnAboutReplacement(settings, volume);
    } else {
        if (snapshot) refuseForeignSnapshot(settings, snapshot);
        if (settings.publicAddress && !several) await warnAboutAddressQuota(opts);
    }
    const availabilityZone = chooseAvailabilityZone(settings, type, subnet, volume);
    const spread = several ? await findSpread(settings, type, opts) : undefined;
    if (spread) await warnAboutAddressesOfBalancer(name, spread.zones.length, opts);
    if (settings.uiDomain !== "" && !OPERATING_SYSTEM_FACTS[image.operatingSystem].http2PerName) {
        throw new pulumi.RunError(
            `uiDomain needs nginx 1.25.1 or newer, which ${OPERATING_SYSTEM_FACTS[image.operatingSystem].name} does not have. Set operatingSystem to debian-13, or remove uiDomain.`,
        );
    }
    refuseAgent(settings, image.operatingSystem);
    const ipv6 = (spread ?? subnet)?.ipv6 ?? true;
    await refuseTooManyRules(settings, ipv6, opts);
    await refuseTooManyNames(settings, opts);
    const closed = (["httpsAllowedCidrs", "grpcAllowedCidrs"] as const).find(
        (list) => settings[list].length > 0 && settings[list].every((cidr) => isIpv6(cidr)),
    );
    if (!ipv6 && closed !== undefined) {
        throw new pulumi.RunError(
            `${closed} holds only IPv6 networks, but ${settings.subnetId || settings.subnetIds.join(" and ")} has no IPv6, so nobody could reach the port. Add an IPv4 network, or name a subnet with IPv6.`,
        );
    }
    const needsRegion = settings.alarms.length > 0 || settings.sessionManager;
    const region = needsRegion ? await findRegion(opts) : undefined;
    if (region !== undefined) refuseUnreachedTopics(settings, region, ipv6);
    return {
        zone,
        imageId: image.id,
        rootVolumeSize: image.rootVolumeSize,
        operatingSystem: image.operatingSystem,
        burstable: type.burstable,
        availabilityZone,
        subnet,
        zones: spread?.zones,
        offered: spread?.offered,
        subnets: spread?.subnets,
        keptVolumes,
        ipv6,
        recoverable: type.recoverable,
        region,
        snapshotId: snapshot?.id,
    };
}

const LONGEST_LISTENER = Math.max(...Object.keys(LISTENERS).map((name) => name.length));
/** AWS allows 32 characters for load balancers and target groups. "-lb-", the listener's name and Pulumi's own end need the rest. */
const LONGEST_NAME = 32 - "-lb-".length - LONGEST_LISTENER - "-0123456".length;

function refuseLongName(name: string): void {
    if (name.length <= LONGEST_NAME) return;
    throw new pulumi.RunError(
        `nodes: the name ${name} is too long for the load balancer of several nodes, whose parts are named after it. Give the LinkMesh a name of at most ${LONGEST_NAME} characters.`,
    );
}

type DataVolume = Awaited<ReturnType<typeof findDataVolume>>;

/** The file name of a Debian package ends with the architecture. */
function refuseOtherPackage({ linkmeshDebUrl: url, instanceType }: Settings, architecture: "arm64" | "x86_64"): void {
    const [wanted, other] = architecture === "arm64" ? ["arm64", "amd64"] : ["amd64", "arm64"];
    if (!testValue(url, (text) => new RegExp(`_${other}\\.deb($|[?#])`).test(text))) return;
    throw new pulumi.RunError(
        `linkmeshDebUrl is a package for ${other}, but ${instanceType} is ${wanted}. Set the package for ${wanted}, or an instanceType of the other architecture.`,
    );
}

function refuseShrinking({ dataVolumeSize }: Settings, { size }: NonNullable<DataVolume>): void {
    if (dataVolumeSize >= size) return;
    throw new pulumi.RunError(
        `dataVolumeSize: ${dataVolumeSize} is less than the ${size} GiB that the stack's data volume has, and a volume cannot shrink. Set it to ${size} or more.`,
    );
}

/** Users do not expect that another login key replaces the machine. */
function warnAboutReplacement(settings: Settings, { loginKey }: NonNullable<DataVolume>): void {
    const wanted = loginKeyName(settings);
    if (settings.paused || loginKey === undefined || loginKey === wanted) return;
    void pulumi.log.warn(
        `sshPublicKey: another login key (${wanted} instead of ${loginKey}) replaces the machine, and LinkMesh is down meanwhile. Addresses and data stay. To keep the machine, set the former key again.`,
    );
}
