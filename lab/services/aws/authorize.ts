import { ACCOUNT } from "../../cloud/state.ts";
import type { CloudStore } from "../../cloud/store.ts";
import { allows } from "../../providers/aws/policy.ts";
import type { AccessRequest } from "../../providers/aws/policy-evaluation.ts";
import type { Session } from "./sessions.ts";
import { ApiFault } from "./signature.ts";

/** Checks the role's present rights, not those when it was assumed. @throws ApiFault AccessDenied */
export async function authorize(
    store: CloudStore,
    { role, instanceId }: Session,
    request: AccessRequest,
): Promise<void> {
    const { roles } = await store.read();
    if (allows(Object.values(roles[role]?.inlinePolicies ?? {}), request)) return;
    const { action, resource } = request;
    throw new ApiFault(
        403,
        "AccessDenied",
        `User: arn:aws:sts::${ACCOUNT}:assumed-role/${role}/${instanceId} is not authorized to perform: ${action}` +
            `${resource === "*" ? "" : ` on resource: ${resource}`} because no identity-based policy allows the ${action} action`,
    );
}
