import * as pulumi from "@pulumi/pulumi";
import { checkConnection } from "../../host/preflight.ts";
import { holds } from "../../settings/secret.ts";
import type { Settings } from "../../settings/settings.ts";
import { isIpv6 } from "../../networks.ts";
import { OPERATING_SYSTEM_FACTS, type OperatingSystem } from "../../operating-systems.ts";
import { loginKeyName } from "../login-key.ts";
import { findImage } from "./image.ts";
import { findInstanceType } from "./instance-type.ts";
import { refuseOtherPartition } from "./partition.ts";
import { chooseAvailabilityZone } from "./availability-zone.ts";
import { refuseTooManyRules, warnAboutAddressQuota } from "./quotas.ts";
import { findDataVolume, findSnapshot, refuseForeignSnapshot } from "./storage.ts";
import { findSubnet } from "./subnet.ts";
import type { Zone } from "../dns/provider.ts";
import { DNS_PROVIDERS } from "../dns/providers.ts";

/** What exists in the cloud already and decides what is created: plain data, known in the first preview. */
export interface Lookups {
    /** The zone of the records; undefined if the user makes them. */
    readonly zone?: Zone;
    readonly imageId: string;
    /** GiB that the image's root disk needs. */
    readonly rootVolumeSize: number;
    readonly operatingSystem: OperatingSystem;
    /** The instance type earns and spends CPU credits. */
    readonly burstable: boolean;
    /** Of the machine, for an own subnet and the data volume. */
    readonly availabilityZone: string;
    /** The existing subnet that the settings name. */
    readonly subnet?: { readonly id: string; readonly vpcId: string };
    /** The machine's subnet has IPv6. */
    readonly ipv6: boolean;
    /** From which a new data volume is made. */
    readonly snapshotId?: string;
}

/**
 * Looks up zone, image, subnet and snapshot, all before anything is created.
 * @param name that of the LinkMeshProxy to be; its snapshots are told from others' by it.
 * @throws RunError with one sentence that names the setting to change.
 */
export async function lookUp(name: string, settings: Settings, opts: pulumi.InvokeOptions = {}): Promise<Lookups> {
    await refuseOtherPartition(opts);
    const [zone, type, snapshot, volume, subnet] = await Promise.all([
        DNS_PROVIDERS[settings.dns].findZone(settings, opts),
        findInstanceType(settings, opts),
        findSnapshot(name, settings, opts),
        findDataVolume(name, settings, opts),
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
        if (settings.publicAddress) await warnAboutAddressQuota(opts);
    }
    const availabilityZone = chooseAvailabilityZone(settings, type, subnet, volume);
    if (settings.uiDomain !== "" && !OPERATING_SYSTEM_FACTS[image.system].http2PerName) {
        throw new pulumi.RunError(
            `uiDomain needs nginx 1.25.1 or newer, which ${OPERATING_SYSTEM_FACTS[image.system].name} does not have. Set operatingSystem to debian-13, or remove uiDomain.`,
        );
    }
    const ipv6 = subnet?.ipv6 ?? true;
    await refuseTooManyRules(settings, ipv6, opts);
    const closed = (["httpsAllowedCidrs", "grpcAllowedCidrs"] as const).find(
        (list) => settings[list].length > 0 && settings[list].every((cidr) => isIpv6(cidr)),
    );
    if (!ipv6 && closed !== undefined) {
        throw new pulumi.RunError(
            `${closed} holds only IPv6 networks, but ${settings.subnetId} has no IPv6, so nobody could reach the port. Add an IPv4 network, or name a subnet with IPv6.`,
        );
    }
    return {
        zone,
        imageId: image.id,
        rootVolumeSize: image.rootVolumeSize,
        operatingSystem: image.system,
        burstable: type.burstable,
        availabilityZone,
        subnet,
        ipv6,
        snapshotId: snapshot?.id,
    };
}

type DataVolume = Awaited<ReturnType<typeof findDataVolume>>;

/** A Debian package's file name ends with its architecture. */
function refuseOtherPackage({ linkmeshDebUrl: url, instanceType }: Settings, architecture: "arm64" | "x86_64"): void {
    const [wanted, other] = architecture === "arm64" ? ["arm64", "amd64"] : ["amd64", "arm64"];
    if (!holds(url, (text) => new RegExp(`_${other}\\.deb($|[?#])`).test(text))) return;
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

/** Of all that replaces the machine, a key looks least like it. */
function warnAboutReplacement(settings: Settings, { loginKey }: NonNullable<DataVolume>): void {
    const wanted = loginKeyName(settings);
    if (settings.paused || loginKey === undefined || loginKey === wanted) return;
    void pulumi.log.warn(
        `sshPublicKey: another login key (${wanted} instead of ${loginKey}) replaces the machine, and LinkMesh is down meanwhile. Addresses and data stay. To keep the machine, set the former key again.`,
    );
}
