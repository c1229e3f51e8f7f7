//! Invoices, as the operator settles them while a server runs on the same database.

use hoursmith_domain::SecretKey;
use serde_json::json;

use super::Site;
use crate::cases::{Scene, invoice};
use crate::world::{Bus, SECRET, Store, World};

#[tokio::test(flavor = "multi_thread")]
async fn invoices_are_sent_paid_and_voided() {
    let world = World::start(Bus::Memory, Store::Postgres).await;
    let scene = Scene::new(&world).await;
    let (first, second) = (scene.hour_to_bill("A").await, scene.hour_to_bill("B").await);
    let site = Site::new();
    let (url, key) = (world.db.url(), SecretKey::from_bytes(SECRET).expose());
    let slug = &scene.org.slug;
    let run = |line: &str| {
        let line = line.replace("SLUG", slug);
        let environment = [
            ("DATABASE_URL", url.as_str()),
            ("HOURSMITH_SECRET_KEY", key.as_str()),
        ];
        site.run_with(&line, &environment)
    };
    let row = |id, rest: &str| format!("{id}\t{rest}\n");
    let draft = "-\tdraft\t100.00 EUR\tbalance 100.00\tdue -";
    assert_eq!(
        run("invoice list SLUG").good(),
        row(second, draft) + &row(first, draft)
    );
    let send =
        format!("invoice send SLUG {first} --issued-on 2026-11-24 --tax-rate 19.00 --notes Thanks");
    let sent = "INV-00001\tsent\t119.00 EUR\tbalance 119.00\tdue 2999-12-31";
    let refused = run(&format!("{send} --due-on 2026-11-23")).bad();
    assert_eq!(refused, "error: due_on must not be before it is issued\n");
    assert_eq!(
        run(&format!("{send} --due-on 2999-12-31")).good(),
        row(first, sent)
    );
    let shown = scene.get(&invoice(first)).await.json();
    assert_eq!(
        (&shown["number"], &shown["tax_amount"], &shown["notes"]),
        (&json!("INV-00001"), &json!("19.00"), &json!("Thanks"))
    );
    let part = "INV-00001\tsent\t119.00 EUR\tbalance 100.00\tdue 2999-12-31";
    assert_eq!(
        run("invoice pay SLUG INV-00001 --amount 19").good(),
        row(first, part)
    );
    let paid = "INV-00001\tpaid\t119.00 EUR\tbalance 0.00\tdue 2999-12-31";
    assert_eq!(run("invoice pay SLUG INV-00001").good(), row(first, paid));
    assert_eq!(
        run("invoice list SLUG --status paid").good(),
        row(first, paid)
    );

    run(&format!(
        "invoice send SLUG {second} --issued-on 2020-01-01"
    ))
    .good();
    let overdue = "INV-00002\toverdue\t100.00 EUR\tbalance 100.00\tdue 2020-01-31";
    assert_eq!(
        run("invoice list SLUG --status sent").good(),
        row(second, overdue)
    );
    let void = "INV-00002\tvoid\t100.00 EUR\tbalance 100.00\tdue 2020-01-31";
    assert_eq!(run("invoice void SLUG INV-00002").good(), row(second, void));
    for (line, complaint) in [
        ("invoice void SLUG INV-00001", "The invoice is paid."),
        ("invoice pay SLUG INV-00002", "The invoice is void."),
        ("invoice pay SLUG INV-00009", "has no invoice `INV-00009`"),
        (
            "invoice void nobody INV-00001",
            "there is no organization `nobody`",
        ),
        (
            "invoice list SLUG --status open",
            "must be draft, sent, paid or void",
        ),
    ] {
        let refused = run(line).bad();
        assert!(refused.contains(complaint), "{line}: {refused}");
    }
    assert!(world.stop().await);
}
