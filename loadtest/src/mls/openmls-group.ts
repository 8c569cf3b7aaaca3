/** A group of OpenMLS (interop/openmls, installed for this run), of which only an add is measured. */
import { randomBytes, randomUUID } from "node:crypto";
import { timed } from "./measured-group.ts";

type Member = {
  keyPackage(): Promise<Uint8Array>;
  createGroup(groupId: Uint8Array): Promise<void>;
  add(keyPackages: readonly Uint8Array[]): Promise<unknown>;
};
type Installed = {
  readonly OpenMlsMember: { create(name: { uuid: string; device: number }): Promise<Member> };
  remove(): void;
};

export class OpenMlsGroup implements Disposable {
  readonly #installed: Installed;
  readonly #committer: Member;

  private constructor(installed: Installed, committer: Member) {
    this.#installed = installed;
    this.#committer = committer;
  }

  static async of(members: number): Promise<OpenMlsGroup> {
    const installer = new URL("../../../interop/openmls/install.mjs", import.meta.url).href;
    const installed = await ((await import(installer)) as { installOpenMls(): Promise<Installed> }).installOpenMls();
    const newMember = () => installed.OpenMlsMember.create({ uuid: randomUUID(), device: 1 });
    const committer = await newMember();
    await committer.createGroup(randomBytes(16));
    const packages: Uint8Array[] = [];
    while (packages.length < members - 1) packages.push(await (await newMember()).keyPackage());
    await committer.add(packages);
    return new OpenMlsGroup(installed, committer);
  }

  /** Its groups change in place: each add leaves one member more. */
  async add(): Promise<number> {
    const newcomer = await this.#installed.OpenMlsMember.create({ uuid: randomUUID(), device: 1 });
    const keyPackage = await newcomer.keyPackage();
    return timed(() => this.#committer.add([keyPackage]));
  }

  [Symbol.dispose](): void {
    this.#installed.remove();
  }
}
