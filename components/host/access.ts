import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { Settings } from "../settings/settings.ts";
import { renderUserData } from "./render/user-data.ts";

/** The keys with which `pulumi up` logs in to the machine. */
export interface Access {
    /** In authorized_keys form. The user data install it on the machine, so it is pinned from the first connection on. */
    readonly hostKey: pulumi.Output<string>;
    /** In OpenSSH form. A secret. */
    readonly privateKey: pulumi.Output<string>;
    /** The private key, if the program has generated it. A secret. */
    readonly generatedKey: pulumi.Output<string> | undefined;
    /** cloud-init user data with both keys. A secret. */
    readonly userData: pulumi.Output<string>;
    readonly resources: readonly pulumi.Resource[];
}

/** Generates the machine's host key, and a login key pair unless the settings have one. */
export function createAccess(name: string, settings: Settings, opts: pulumi.CustomResourceOptions): Access {
    const hostKey = new tls.PrivateKey(`${name}-host-key`, { algorithm: "ED25519" }, opts);
    const loginKey =
        settings.sshPublicKey === ""
            ? new tls.PrivateKey(`${name}-login-key`, { algorithm: "ED25519" }, opts)
            : undefined;
    return {
        hostKey: hostKey.publicKeyOpenssh.apply((key) => key.trim()),
        privateKey: loginKey?.privateKeyOpenssh ?? settings.sshPrivateKey.output(),
        generatedKey: loginKey?.privateKeyOpenssh,
        userData: pulumi
            .all([
                hostKey.privateKeyOpenssh,
                hostKey.publicKeyOpenssh,
                loginKey?.publicKeyOpenssh ?? settings.sshPublicKey,
            ])
            .apply(([hostPrivateKey, hostPublicKey, authorizedKey]) =>
                renderUserData({ hostPrivateKey, hostPublicKey, authorizedKey }),
            ),
        resources: loginKey ? [hostKey, loginKey] : [hostKey],
    };
}

/** The bastion's connection arguments, with its own pinned host key; undefined to connect directly. */
export function bastionOf(settings: Settings) {
    if (settings.bastionHost === "") return undefined;
    return {
        host: settings.bastionHost,
        user: settings.bastionUser,
        privateKey: settings.bastionPrivateKey.output(),
        hostKey: settings.bastionHostKey,
    };
}

/** The command to log in with by Session Manager. */
export function sessionCommand(region: string | undefined, machine: pulumi.CustomResource): pulumi.Output<string> {
    return pulumi.interpolate`aws ssm start-session --region ${region} --target ${machine.id}`;
}

/** The command to log in with. On the bastion it uses the person's own key. */
export function sshCommand(settings: Settings, user: string, address: string): string {
    const { bastionHost, bastionUser } = settings;
    const bastion = bastionHost.includes(":") ? `[${bastionHost}]` : bastionHost;
    return [
        "ssh",
        ...(settings.sshPublicKey === "" ? ["-i linkmesh-proxy.key"] : []),
        ...(bastionHost === "" ? [] : [`-J ${bastionUser}@${bastion}`]),
        `${user}@${address}`,
    ].join(" ");
}
