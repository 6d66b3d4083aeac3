//! The catalogue of what can stop a hand-over.

use extsecret_manifest::diagnostic::{Code, Severity};

macro_rules! catalogue {
    ($($id:ident $title:literal why: $why:literal action: $action:literal)*) => {
        $(
            #[doc = concat!("`", stringify!($id), "`: ", $title, ".")]
            pub static $id: Code = Code {
                id: stringify!($id),
                severity: Severity::Error,
                title: $title,
                why: $why,
                action: $action,
            };
        )*

        /// All of them, sorted by id.
        pub static ALL: &[&Code] = &[$(&$id),*];
    };
}

catalogue! {
    H01 "KES did not sync this object"
        why: "Only what KES writes today can be compared with what the new ExternalSecret writes. An \
            object whose last poll failed, or that was never polled, has a Secret that is older than \
            its manifest, or none."
        action: "Mend the object, wait until its status is SUCCESS, and run again. An object that \
            nobody needs can be left out with --except NAMESPACE/NAME; delete it after you know who \
            reads its Secret."

    H02 "there is no Secret to hand over"
        why: "The KES object is there, and the Secret of its name is not: KES could not write it, or \
            somebody deleted it a moment ago."
        action: "See what `kubectl get externalsecrets.kubernetes-client.io` says of it. When its \
            Secret is there, run again."

    H03 "immutable Secret"
        why: "What is immutable cannot be changed by the new ExternalSecret either: a rotation would \
            fail for ever, as it does with KES."
        action: "Decide whether the Secret is to rotate. If so, it has to be made anew under another \
            name, without `immutable`, and its readers moved. Leave it out with --except until then."

    H04 "the Secret belongs to another KES object"
        why: "The owner reference names the uid of an object that is not there: the KES object was \
            deleted and made anew, and garbage collection may be about to delete the Secret."
        action: "Wait for the next poll of KES, which writes the reference anew, and run again."

    H05 "the Secret has keys that nobody would write"
        why: "Somebody added keys by hand, or took items out of the KES object while it did not run. \
            KES's next write would remove them, and so would the new ExternalSecret."
        action: "Put these keys into a Secret of their own, or into the backend and the manifest. \
            --accept NAMESPACE/NAME lets them go."

    H06 "the Secret has another controller"
        why: "An object has one controller at most, and it is neither KES nor the new ExternalSecret. \
            Whoever it is writes the Secret."
        action: "Find out who it is, by the owner references of the Secret, and stop that first. \
            Leave the Secret out with --except until then."

    H07 "the type of the Secret would change"
        why: "The type of a Secret can never change: the new ExternalSecret could not write it."
        action: "Write the type that the Secret has into spec.target.template.type of the new \
            ExternalSecret, and run again."

    H08 "the new ExternalSecret would write something else"
        why: "A shadow of the Secret was written by the new ExternalSecret and compared, key by key, \
            by fingerprints. Pods that read the Secret would get other values than they have now. \
            The shadow is gone again, and nothing else was touched."
        action: "`kubectl extsecret render -f FILE --diff` shows where values differ. If \
            the backend has changed since KES's last poll, wait for the next one and run again. \
            --accept NAMESPACE/NAME takes the new values."

    H09 "the new ExternalSecret would not own its Secret"
        why: "The proof of a hand-over is that the new ExternalSecret is the controller of the \
            Secret. With a creationPolicy other than Owner it never is."
        action: "Set spec.target.creationPolicy to Owner, or leave it out of the manifest. It can be \
            changed when the KES object is gone."

    H10 "several ExternalSecrets want one Secret"
        why: "Only one of them can be its controller; the others would fail, or fight with it."
        action: "Give all but one another spec.target.name, or remove them from the files."

    H11 "the definition of KES goes with a Helm release"
        why: "Old charts of KES have the definition among their templates. `helm uninstall`, or an \
            upgrade that drops it, deletes the definition, with it every KES object, and with those \
            every Secret that they still own."
        action: "Annotate the definition with helm.sh/resource-policy=keep and run again. Helm then \
            leaves it alone."

    H12 "KES cannot be kept from running"
        why: "A KES that runs writes Secrets blindly: it takes back what was handed over, and one \
            that is in the middle of a poll can make garbage collection delete a Secret."
        action: "Find out who starts it: a GitOps tool, an autoscaler, another instance. Stop that, \
            and run again. Nothing is lost: every step looks for pods of KES first."

    H13 "the KES object is being deleted"
        why: "Somebody has deleted it, and garbage collection may delete the Secret with it."
        action: "Wait until it is gone. If the Secret goes too, apply the new ExternalSecret with \
            kubectl; it makes the Secret anew."

    H14 "it did not happen in time"
        why: "The next step needs a proof from the cluster, and the proof did not come. Nothing goes \
            on without it."
        action: "Look at the object that the message names: `kubectl extsecret status NAME`. Does \
            its controller run, may it read the store? Then run again: it goes on where it was. \
            --timeout gives it more time."

    H15 "somebody undoes it"
        why: "The same change had to be made several times: a GitOps tool, another operator or a \
            person puts the object back as it was."
        action: "Stop whoever does it (`kubectl get -o yaml --show-managed-fields` names the writers), \
            and run again."

    H16 "there is nothing to go back to"
        why: "The KES object is gone, and neither the cluster nor the state directory has a copy. The \
            Secret stays with its new ExternalSecret, which keeps it."
        action: "Apply the KES manifest from your repository with `controllerId: handed-over` in its \
            spec, and run again."

    H17 "you may not do all that it takes"
        why: "A hand-over that stops for lack of permissions leaves a Secret between two owners, and the \
            way back takes permissions too. So the API server is asked for all of them before anything \
            is changed."
        action: "Have the missing permissions granted for the time of the hand-over, or take only the \
            namespaces that are yours: --only NAMESPACE."

    H18 "the new API is not served"
        why: "ExternalSecrets and stores of external-secrets.io/v1 cannot be written: their definitions \
            are not there, or are those of a release before External Secrets Operator 0.16."
        action: "Install the successor first: the chart of extsecret-controller, or External Secrets \
            Operator 0.16 or newer. It may run beside KES; nothing is handed over before you say so."
}
