import { isIpv6 } from "../../networks.ts";
import { isPair } from "../schema/keys.ts";
import type { Settings } from "../settings.ts";
import { violations } from "./violations.ts";

export function accessRules(s: Settings): string[] {
    const bastion = [s.bastionHost !== "", s.bastionHostKey !== "", s.bastionPrivateKey.isSet()];
    const twice = (["sshAllowedCidrs", "httpsAllowedCidrs", "grpcAllowedCidrs", "trustedProxies"] as const).filter(
        (name) => new Set(s[name]).size !== s[name].length,
    );
    return [
        ...twice.map((name) => `${name} names a network twice: remove one.`),
        ...violations([
            [
                s.sshAllowedCidrs.some((cidr) => !isIpv6(cidr)),
                "sshAllowedCidrs names IPv6 networks alone, but the steps go to the machine's IPv4 address: add the IPv4 address from which `pulumi up` runs, or that of the bastion.",
            ],
            [
                (s.sshPublicKey !== "") === s.sshPrivateKey.isSet(),
                "sshPublicKey and sshPrivateKey belong together: set both, or none to have a key pair generated.",
            ],
            [
                s.sshPublicKey === "" || s.sshPrivateKey.test((key) => key === "" || isPair(key, s.sshPublicKey)),
                "sshPublicKey is not the public key of sshPrivateKey: set the two that belong together, as `ssh-keygen -y -f FILE` prints it for the private key in FILE.",
            ],
            [
                new Set(bastion).size === 1,
                "bastionHost, bastionHostKey and bastionPrivateKey belong together: set all three, or none to connect directly.",
            ],
            [
                s.grpcAllowedCidrs.length === 0 || (s.grpc && s.grpcDomain === ""),
                s.grpc
                    ? "grpcAllowedCidrs speaks of port 50051, but with grpcDomain gRPC shares port 443: use httpsAllowedCidrs, which counts for both."
                    : "grpcAllowedCidrs speaks of port 50051, but grpc is false: remove one of them.",
            ],
            [
                s.publicAddress || s.subnetId !== "",
                "publicAddress is false, but the network that the program makes leads out by public addresses alone: set subnetId to a subnet of yours that has another way out.",
            ],
            [
                s.trustedProxies.length === 0 || s.grpcDomain === "",
                "trustedProxies and grpcDomain exclude each other: a hop that ends TLS cannot pass gRPC through on the same port, so give gRPC its own port or remove the hops.",
            ],
            [
                !s.trustedProxies.some((hop) => hop.endsWith("/0")),
                "trustedProxies must not hold a network of all addresses (/0): any client could then name the address that it likes.",
            ],
        ]),
    ];
}
