use super::*;
use crate::model::sql_subset::plan;

fn guard(policies: &str) -> ObjectGuard {
    let mut schema = Schema::new();
    plan(policies, &mut schema).expect("accepted policies");
    ObjectGuard::compile(&schema).expect("readable policies")
}

fn governed(condition: &str) -> Vec<&'static str> {
    let guard = guard(&format!("create policy p on storage.objects using ({condition})"));
    ["a", "b", "c"].into_iter().filter(|bucket| guard.governs(bucket)).collect()
}

#[test]
fn the_buckets_of_a_policy_are_read_off_its_condition() {
    assert_eq!(governed("bucket_id = 'a'"), ["a"]);
    assert_eq!(governed("'a' = bucket_id and name like 'x%'"), ["a"]);
    assert_eq!(governed("bucket_id in ('a', 'b') and bucket_id <> 'a'"), ["a", "b"]);
    assert_eq!(governed("bucket_id = 'a' and bucket_id = 'b'"), [""; 0]);
    assert_eq!(governed("bucket_id = 'a' or (bucket_id = 'c' and owner = auth.uid())"), ["a", "c"]);
    assert_eq!(governed("bucket_id = 'a' or owner = auth.uid()"), ["a", "b", "c"]);
    assert_eq!(governed("not (bucket_id = 'a')"), ["a", "b", "c"]);
    assert_eq!(governed("true"), ["a", "b", "c"]);
    assert_eq!(governed("bucket_id = owner_id"), ["a", "b", "c"]);
}

#[test]
fn nothing_is_governed_without_policies() {
    assert!(!guard("").governs("a"));
    assert!(guard("create policy p on storage.objects as restrictive using (true)").governs("a"));
}
