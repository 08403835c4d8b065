/** The policy document that lets an AWS service assume a role, for example "ec2.amazonaws.com". Pure. */
export function trustPolicy(service: string): string {
    return JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: service } }],
    });
}
