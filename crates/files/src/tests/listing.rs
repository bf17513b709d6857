use serde_json::{Value, json};

use super::{Expect as _, House, KEY, story};

async fn fill(house: &House, names: &[&str]) {
    house.make_bucket("docs", json!({})).await;
    for name in names {
        house.clock.advance(std::time::Duration::from_secs(1));
        house.upload(&format!("docs/{name}"), KEY, "x").await.expect(200);
    }
}

fn names(listed: &Value) -> Vec<String> {
    listed.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
}

async fn list(house: &House, body: Value) -> Vec<String> {
    names(&house.post("/object/list/docs", KEY, body).await.expect(200).json())
}

#[tokio::test]
async fn a_folder_shows_its_folders_and_its_objects() {
    story(async |house| {
        fill(
            &house,
            &["b.txt", "a.txt", "in/x", "in/y", "in/deep/z", "In2/q", "ümlaut.txt", "100_x", "100ax"],
        )
        .await;
        let all = house.post("/object/list/docs", KEY, json!({"prefix": ""})).await.expect(200).json();
        assert_eq!(names(&all), ["In2", "in", "100_x", "100ax", "a.txt", "b.txt", "ümlaut.txt"]);
        assert_eq!((&all[0]["id"], &all[0]["metadata"]), (&Value::Null, &Value::Null));
        assert_eq!(all[4]["metadata"]["mimetype"], "text/plain");
        assert_eq!(all[4]["metadata"]["size"], 1);
        assert_eq!(list(&house, json!({"prefix": "in"})).await, ["deep", "x", "y"]);
        assert_eq!(list(&house, json!({"prefix": "in/", "limit": 2, "offset": 1})).await, ["x", "y"]);
        assert_eq!(list(&house, json!({"prefix": "", "search": "IN"})).await, ["In2", "in"]);
        assert_eq!(list(&house, json!({"prefix": "", "search": "Üml"})).await, ["ümlaut.txt"]);
        assert_eq!(list(&house, json!({"prefix": "", "search": "100_"})).await, ["100_x"]);
        assert_eq!(list(&house, json!({"prefix": "", "search": "%"})).await, [""; 0]);
        assert_eq!(list(&house, json!({"prefix": "", "search": "in/d"})).await, ["deep"]);
        assert_eq!(list(&house, json!({"prefix": "none"})).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_folder_is_sorted_as_asked() {
    story(async |house| {
        fill(&house, &["b", "c", "a", "f/x"]).await;
        let sorted = async |column: &str, order: &str| {
            list(&house, json!({"prefix": "", "sortBy": {"column": column, "order": order}})).await
        };
        assert_eq!(sorted("name", "asc").await, ["f", "a", "b", "c"]);
        assert_eq!(sorted("name", "desc").await, ["f", "c", "b", "a"]);
        assert_eq!(sorted("created_at", "asc").await, ["f", "b", "c", "a"]);
        assert_eq!(sorted("updated_at", "desc").await, ["f", "a", "c", "b"]);
        let refused = json!({"prefix": "", "sortBy": {"column": "name; drop table", "order": "asc"}});
        house.post("/object/list/docs", KEY, refused).await.expect(400);
    })
    .await;
}

/// Reads all pages of a prefix: folders and objects apart.
async fn pages(house: &House, mut body: Value) -> (Vec<String>, Vec<String>, usize) {
    let (mut folders, mut objects, mut count) = (Vec::new(), Vec::new(), 0);
    loop {
        let page = house.post("/object/list-v2/docs", KEY, body.clone()).await.expect(200).json();
        folders.extend(names(&page["folders"]));
        objects.extend(names(&page["objects"]));
        count += 1;
        if page["hasNext"] != json!(true) {
            return (folders, objects, count);
        }
        body["cursor"] = page["nextCursor"].clone();
    }
}

#[tokio::test]
async fn a_prefix_is_listed_page_by_page() {
    story(async |house| {
        fill(&house, &["t/zz", "t/bb", "t/xx", "t/in/1", "t/in/2", "t/in!x", "u", "t-1"]).await;
        let (folders, objects, count) = pages(&house, json!({"prefix": "t/", "limit": 2})).await;
        assert_eq!((folders.len(), count), (0, 3));
        assert_eq!(objects, ["t/bb", "t/in!x", "t/in/1", "t/in/2", "t/xx", "t/zz"]);

        let body = json!({"prefix": "t/", "limit": 2, "with_delimiter": true});
        let (folders, objects, count) = pages(&house, body.clone()).await;
        assert_eq!((folders, count), (vec!["t/in/".to_owned()], 3));
        assert_eq!(objects, ["t/bb", "t/in!x", "t/xx", "t/zz"]);

        let mut down = body.clone();
        down["sortBy"] = json!({"column": "name", "order": "desc"});
        let (folders, objects, _) = pages(&house, down).await;
        assert_eq!(folders, ["t/in/"]);
        assert_eq!(objects, ["t/zz", "t/xx", "t/in!x", "t/bb"]);

        let mut by_time = body;
        by_time["sortBy"] = json!({"column": "created_at", "order": "desc"});
        let (folders, objects, _) = pages(&house, by_time).await;
        assert_eq!(folders, ["t/in/"]);
        assert_eq!(objects, ["t/in!x", "t/xx", "t/bb", "t/zz"]);

        let (folders, objects, _) = pages(&house, json!({"with_delimiter": true})).await;
        assert_eq!((folders, objects), (vec!["t/".to_owned()], vec!["t-1".to_owned(), "u".to_owned()]));
        house.post("/object/list-v2/docs", KEY, json!({"cursor": "nonsense!"})).await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn pages_go_through_a_folders_folders_and_on_to_its_objects_either_way_round() {
    story(async |house| {
        let folders: Vec<String> = (0..60).map(|number| format!("f{number:02}/x")).collect();
        let leaves: Vec<String> = (0..60).map(|number| format!("a{number:02}")).collect();
        let names: Vec<&str> = folders.iter().chain(&leaves).map(String::as_str).collect();
        fill(&house, &names).await;
        let page = async |limit: u32, offset: u32, order: &str| {
            let by = json!({"column": "name", "order": order});
            list(&house, json!({"prefix": "", "limit": limit, "offset": offset, "sortBy": by})).await
        };
        assert_eq!(page(2, 0, "asc").await, ["f00", "f01"]);
        assert_eq!(page(2, 59, "asc").await, ["f59", "a00"]);
        assert_eq!(page(2, 0, "desc").await, ["f59", "f58"]);
        assert_eq!(page(3, 58, "desc").await, ["f01", "f00", "a59"]);
        assert_eq!(page(2, 118, "asc").await, ["a58", "a59"]);
    })
    .await;
}
