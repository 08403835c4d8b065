import type { HostContext } from "./context.ts";
import type { StepOptions } from "./ssh-host.ts";

/** Mounts the data volume, if there is one, and places the directories of LinkMesh and certbot on it. */
export function volume({ settings, host, owner }: HostContext): StepOptions | undefined {
    if (host.device === undefined) return undefined;
    const directories = [...settings.linkmeshDataPaths, "/etc/letsencrypt"];
    return {
        variables: {
            DEVICE: host.device,
            DIRECTORIES: directories.join("\n"),
            SIZE: String(settings.dataVolumeSize),
            OWNER: owner,
            DOMAIN: settings.domain,
        },
    };
}
