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
        ...twice.map((name) => `${name} holds a network twice. Remove one.`),
        ...violations([
            [
                s.sshAllowedCidrs.some((cidr) => !isIpv6(cidr)),
                "sshAllowedCidrs holds only IPv6 networks, but the steps connect to the machine's IPv4 address. Add the IPv4 address from which you run `pulumi up`, or that of the bastion.",
            ],
            [
                (s.sshPublicKey !== "") === s.sshPrivateKey.isSet(),
                "sshPublicKey and sshPrivateKey belong together. Set both, or neither to have a key pair generated.",
            ],
            [
                s.sshPublicKey === "" || s.sshPrivateKey.test((key) => key === "" || isPair(key, s.sshPublicKey)),
                "sshPublicKey does not belong to sshPrivateKey. Set the public key that `ssh-keygen -y -f FILE` prints for the private key in FILE.",
            ],
            [
                new Set(bastion).size === 1,
                "bastionHost, bastionHostKey and bastionPrivateKey belong together. Set all three, or none to connect directly.",
            ],
            [
                (s.ssmAgentDebUrl !== "") === (s.ssmAgentDebSha256 !== ""),
                "ssmAgentDebUrl and ssmAgentDebSha256 belong together. Set both, or neither if the image has the agent.",
            ],
            [
                s.sessionManager || s.ssmAgentDebUrl === "",
                "ssmAgentDebUrl is for sessionManager, which is false. Set sessionManager to true, or remove ssmAgentDebUrl and ssmAgentDebSha256.",
            ],
            [
                s.grpcAllowedCidrs.length === 0 || (s.grpc && s.grpcDomain === ""),
                s.grpc
                    ? "grpcAllowedCidrs is for port 50051, but with grpcDomain gRPC uses port 443. Set httpsAllowedCidrs instead: it then applies to https and gRPC."
                    : "grpcAllowedCidrs needs gRPC, but grpc is false. Remove one of them.",
            ],
            [
                s.publicAddress || s.subnetId !== "" || s.nodes > 1,
                "publicAddress is false, but the network that the program creates reaches the internet only from public addresses. Set subnetId to a subnet of yours with another way out, such as a NAT gateway.",
            ],
            [
                s.trustedProxies.length === 0 || s.grpcDomain === "",
                "trustedProxies and grpcDomain exclude each other, because a proxy that terminates TLS cannot pass gRPC through on the same port. Remove one of them.",
            ],
            [
                !s.trustedProxies.some((network) => network.endsWith("/0")),
                "trustedProxies holds a network of all addresses (/0), so any client could claim any address. Name the networks of your proxies.",
            ],
            [
                !s.trustedProxies.includes("255.255.255.255/32"),
                "trustedProxies holds 255.255.255.255/32, the broadcast address, which nginx takes for a host name. No proxy has it: remove it.",
            ],
        ]),
    ];
}
