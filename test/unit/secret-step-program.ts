import * as pulumi from "@pulumi/pulumi";
import { SshHost } from "../../components/index.ts";

/** A program that hands a step a secret of its own as if it were none. */
class Machine extends pulumi.CustomResource {
    constructor() {
        super("test:index:Machine", "machine", {});
    }
}

const host = new SshHost("host", new pulumi.ComponentResource("test:index:Host", "host"), {
    host: { ipv4: "192.0.2.1", ipv6: undefined, user: "admin", device: "/dev/sdf", machine: new Machine(), ready: [] },
    privateKey: "x",
    hostKey: "ssh-ed25519 AAAA",
});
host.step("ready", { variables: { TOKEN: pulumi.secret("x") } });
