import { describe, expect, it } from "vitest";
import { reworded, setup } from "./support.ts";

describe("which lesson a run belongs to", () => {
  it("is the same for a rewording that touches the same files", () => {
    const { finish } = setup();
    finish({});

    expect(finish(reworded)[0]!.lessonId).toBe("les_1");
  });

  it("is another one for a look-alike: the same words about other files, with other tools", () => {
    const { finish } = setup();
    finish({});
    const files = ["workers/media/client.py", "workers/media/parts.py"];

    const [change] = finish({ files, steps: [{ name: "read the loop", tool: "read", file: files[0] }], errors: [] });

    expect(change).toMatchObject({ lessonId: "les_2", change: "observed" });
  });

  it("is another one for other work on the same files", () => {
    const { finish } = setup();
    finish({});

    const steps = [{ name: "draw a diagram", tool: "plantuml" }];
    const [change] = finish({ goal: "Translate comments into Finnish", steps, errors: [], checks: [] });

    expect(change!.lessonId).toBe("les_2");
  });

  it.each([
    ["an attempt number", "attempt 3", "attempt 41"],
    ["a timestamp", "2024-11-02T10:22:31Z", "2025-01-17T03:00:59Z"],
    ["a uuid", "5f0c6a3e-3b5b-4a33-9d5c-0a4cf4f6ad10", "91bd1c57-24f8-4bb5-b7f3-3cc9bd1ee9a7"],
    ["a commit", "9fceb02d0ae598e9", "e83c5163316f89bf"],
    ["a ticket", "PAY-1042", "PAY-2377"],
    ["a branch with a number", "feature/1042-rotate", "feature/2377-rotate"],
    ["an address", "10.0.3.17:8080", "192.168.4.201:9090"],
  ])("is not split by %s in goal, family, file, step and error", (_, one, other) => {
    const { finish } = setup();
    const about = (key: string) => ({
      goal: `Rotate the signing secret of the vault ${key}`,
      family: `rotation ${key}`,
      files: [`runs/${key}/vault.hcl`, "infra/vault/policy.hcl"],
      steps: [{ name: `seal ${key}`, tool: "vault" }],
      errors: [`permission denied for lease ${key}`],
    });

    finish(about(one));

    expect(finish(about(other))[0]!.lessonId).toBe("les_1");
  });

  it("works without files, by what was said and how it was done", () => {
    const { finish } = setup();
    const steps = [{ name: "drain the node", tool: "kubectl" }];
    const ops = { files: [], checks: [], errors: [], steps };
    finish({ ...ops, goal: "Drain the kubernetes node before the kernel upgrade" });

    const [same] = finish({ ...ops, goal: "Before its kernel upgrade the kubernetes node has to be drained" });
    const [other] = finish({
      ...ops,
      goal: "Renew the certificate of the mail relay",
      steps: [{ name: "renew", tool: "certbot" }],
    });

    expect(same!.lessonId).toBe("les_1");
    expect(other!.lessonId).toBe("les_3");
  });

  it("is not told by files that all work touches", () => {
    const { finish } = setup();
    const steps = [{ name: "write", tool: "edit" }];
    finish({ goal: "Release notes for the parser", files: ["CHANGELOG.md", "src/parser.ts"], steps, errors: [] });

    const [change] = finish({
      goal: "Release notes for the printer",
      files: ["CHANGELOG.md", "src/printer.ts"],
      steps,
      errors: [],
    });

    expect(change!.lessonId).toBe("les_2");
  });
});
