import type { ResourceValidationPolicy } from "@pulumi/policy";
import { disksEncrypted } from "./rules/disks.ts";
import { internalPortsClosed, sshNotOpenToTheWorld } from "./rules/ingress.ts";
import { metadataServiceV2 } from "./rules/metadata-service.ts";
import { productionProtected, productionSnapshots } from "./rules/production.ts";
import { tagsPresent } from "./rules/tags.ts";

/** The policies of the pack. Each judges one resource at a time by its inputs, which a first preview knows already. */
export const POLICIES: readonly ResourceValidationPolicy[] = [
    sshNotOpenToTheWorld,
    internalPortsClosed,
    disksEncrypted,
    metadataServiceV2,
    productionProtected,
    productionSnapshots,
    tagsPresent,
];
