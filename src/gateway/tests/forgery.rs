//! Somebody who has joined a stage's queue group and answers in its place.

use std::sync::Arc;

use hoursmith_domain::{Keys, SecretKey};

use super::rig::{RATE, Rig, Sealing};

const JSON: &str = "Content-Type: application/json";

/// Answers that none of ours would give, each with a genuine verdict.
fn forgeries(rig: &Rig) -> Vec<(&'static str, Sealing)> {
    let (foreign, ours) = (
        Keys::derive(&SecretKey::from_bytes([1; 32])),
        rig.keys.clone(),
    );
    vec![
        ("without a seal", Arc::new(|answer, _, _| answer)),
        (
            "sealed with another key",
            Arc::new(move |answer, subject, question| {
                answer.sealed_answer(subject, question, &foreign)
            }),
        ),
        (
            "the question itself",
            Arc::new(|_, _, question| question.clone()),
        ),
        (
            "the answer to another question",
            Arc::new(move |answer, subject, question| {
                let mut another = question.clone();
                another.body = "another".into();
                let another = another.sealed(subject, &ours);
                answer.sealed_answer(subject, &another, &ours)
            }),
        ),
    ]
}

#[tokio::test]
async fn a_forged_answer_fails_its_request() {
    let mut rig = Rig::start().await;
    let keyed = [JSON, "Idempotency-Key: k"];
    for (what, sealing) in forgeries(&rig) {
        for stage in ["token-auth", "idempotency", "resource"] {
            rig.serve_sealing(stage, rig.yes(stage), Arc::clone(&sealing))
                .await;
            let reply = rig.ask("POST", "/api/v1/clients", &keyed, "{}").await;
            assert_eq!(
                (reply.status, reply.code().as_str()),
                (500, "internal_error"),
                "{stage}: {what}"
            );
            rig.serve(stage).await;
            let reply = rig.ask("POST", "/api/v1/clients", &keyed, "{}").await;
            assert_eq!(reply.status, 200, "{stage}");
        }
    }
}

#[tokio::test]
async fn a_forged_answer_of_a_limiter_is_passed_by() {
    let mut rig = Rig::start().await;
    for (what, sealing) in forgeries(&rig) {
        rig.serve_sealing("rate-limiter", rig.yes("rate-limiter"), sealing)
            .await;
        let reply = rig.ask("GET", "/api/v1/me", &[], "").await;
        assert_eq!(
            (reply.status, reply.header(RATE[0].0)),
            (200, None),
            "{what}"
        );
    }
}
