"""The shop over HTTP: what a visitor, a customer and the staff do."""

import csv
import io
import json
import threading

import pytest
from PIL import Image

from tests.e2e.servers import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(
    scope="module", params=[("gunicorn", "sqlite"), ("uvicorn", "postgres")], ids="-".join
)
def server(request, shop_server) -> Server:
    made: Server = shop_server(*request.param)
    return made


@pytest.fixture(scope="module")
def visitor(server):
    with server.client() as client:
        yield client


@pytest.fixture(scope="module")
def ada(server):
    with server.sign_in("ada") as client:
        yield client


@pytest.fixture(scope="module")
def staff(server):
    with server.sign_in("staff") as client:
        yield client


@pytest.fixture
def product(staff):
    """Give a product of this test alone."""
    number = len(staff.get("/api/reports/stock").json())
    body = {
        "category_id": 1,
        "sku": f"own-{number}",
        "name": f"Own {number}",
        "price": "9.90",
        "stock": 5,
    }
    answer = staff.post("/api/products", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def draw(colour: str, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(stream, kind)
    return stream.getvalue()


def test_pages_follow_one_another(visitor):
    first = visitor.get("/api/products", params={"page_size": 7, "ordering": "price"}).json()
    second = visitor.get(first["next"]).json()
    prices = [float(row["price"]) for row in first["results"] + second["results"]]
    assert len(prices) == 14
    assert prices == sorted(prices)
    assert first["count"] >= 40


def test_limit_and_offset_cut_the_same_list(visitor):
    whole = visitor.get("/api/products/feed?limit=10").json()["items"]
    part = visitor.get("/api/products/feed?limit=3&offset=4").json()["items"]
    assert [row["id"] for row in part] == [row["id"] for row in whole[4:7]]


def test_search_and_filters_narrow(visitor):
    found = visitor.get("/api/products?search=lamp&page_size=100").json()["results"]
    assert found
    assert all("lamp" in row["name"].lower() for row in found)
    params = {"category": "lamps", "min_price": 100, "in_stock": True, "page_size": 100}
    for row in visitor.get("/api/products", params=params).json()["results"]:
        assert row["category"]["slug"] == "lamps"
        assert float(row["price"]) >= 100
        assert row["stock"] > 0


def test_no_answer_shows_the_purchase_price(visitor):
    for path in ("/api/products", "/api/products/1", "/api/products/feed", "/api/reports/stock"):
        assert "purchase_price" not in visitor.get(path).text


def test_patch_changes_what_it_names(staff, product):
    path = f"/api/products/{product['id']}"
    answer = staff.patch(path, json={"price": "12.50"})
    assert answer.status_code == 200, answer.text
    assert {**product, "price": "12.50"} == answer.json()


def test_put_replaces_all(staff, product):
    body = {"category_id": 2, "sku": product["sku"], "name": product["name"] + "!", "price": "1.00"}
    answer = staff.put(f"/api/products/{product['id']}", json=body)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["category"]["id"], answer.json()["stock"]) == (2, 0)


def test_only_the_staff_changes_products(visitor, ada):
    assert visitor.patch("/api/products/1", json={}).status_code == 401
    assert ada.patch("/api/products/1", json={}).status_code == 403


def test_a_picture_is_uploaded_and_replaced_by_put_and_patch(staff, product):
    path = f"/api/products/{product['id']}"
    answer = staff.post(f"{path}/image", files={"image": ("a.gif", draw("red"), "image/gif")})
    assert answer.status_code == 200, answer.text
    first = answer.json()["image"]
    assert first.endswith(".png")  # by its bytes, not by its name
    data = {"data": json.dumps({"stock": 8})}
    answer = staff.patch(f"{path}/listing", data=data, files={"image": ("b", draw("blue", "JPEG"))})
    assert answer.status_code == 200, answer.text
    assert answer.json()["stock"] == 8
    assert answer.json()["image"].endswith(".jpg")
    whole = {"category_id": 1, "sku": product["sku"], "name": product["name"], "price": "2.00"}
    files = {"image": ("c", draw("green"))}
    answer = staff.put(f"{path}/listing", data={"data": json.dumps(whole)}, files=files)
    assert answer.status_code == 200, answer.text
    assert answer.json()["price"] == "2.00"
    assert answer.json()["image"] not in {first, ""}


def test_a_customer_buys_and_takes_back(ada, visitor, product):
    path = f"/api/products/{product['id']}"
    body = {"lines": [{"product_id": product["id"], "quantity": 2}], "note": "soon, please"}
    answer = ada.post("/api/orders", json=body)
    assert answer.status_code == 201, answer.text
    order = answer.json()
    assert order["total"] == "19.80"
    assert order["customer"]["name"] == "Ada Lovelace"
    assert order["lines"][0]["product"]["sku"] == product["sku"]
    assert visitor.get(path).json()["stock"] == 3
    assert ada.post(f"/api/orders/{order['id']}/cancel").json()["status"] == "cancelled"
    assert visitor.get(path).json()["stock"] == 5
    assert ada.post(f"/api/orders/{order['id']}/cancel").status_code == 409
    assert visitor.get(path).json()["stock"] == 5


def test_a_basket_is_sold_whole_or_not_at_all(ada, visitor, product):
    stock = visitor.get("/api/products/1").json()["stock"]
    lines = [{"product_id": 1, "quantity": 1}, {"product_id": product["id"], "quantity": 6}]
    answer = ada.post("/api/orders", json={"lines": lines})
    assert answer.status_code == 409
    assert "Only 5" in answer.text
    assert visitor.get("/api/products/1").json()["stock"] == stock


def test_sixteen_buyers_at_once_buy_what_is_there_and_no_more(server, staff, visitor, product):
    """Real processes, a real database: seven pieces, sixteen buyers of one each."""
    assert staff.patch(f"/api/products/{product['id']}", json={"stock": 7}).status_code == 200
    body = {"lines": [{"product_id": product["id"], "quantity": 1}]}
    statuses: list[int] = []
    barrier = threading.Barrier(16)
    buyer = server.sign_in("grace")

    def buy() -> None:
        with server.client() as client:
            client.headers = buyer.headers
            barrier.wait(30)
            statuses.append(client.post("/api/orders", json=body).status_code)

    threads = [threading.Thread(target=buy) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    buyer.close()
    assert sorted(statuses) == [201] * 7 + [409] * 9
    assert visitor.get(f"/api/products/{product['id']}").json()["stock"] == 0


def test_the_async_review_is_written_once_and_read(visitor, ada, product):
    path = f"/api/products/{product['id']}/reviews"
    assert ada.post(path, json={"rating": 4, "text": "Fine."}).status_code == 201
    assert ada.post(path, json={"rating": 1}).status_code == 409
    assert [row["rating"] for row in visitor.get(path).json()["items"]] == [4]
    assert visitor.get(f"/api/products/{product['id']}").json()["rating"] == 4.0


def test_the_stock_is_counted_all_or_none(staff, product):
    body = [{"sku": product["sku"], "stock": 3}, {"sku": "nobody", "stock": 1}]
    assert staff.put("/api/products/stock", json=body).status_code == 422
    assert staff.get(f"/api/products/{product['id']}").json()["stock"] == 5
    assert staff.put("/api/products/stock", json=body[:1]).json()[0]["stock"] == 3


def test_a_list_is_a_table_too(visitor):
    answer = visitor.get("/api/reports/stock", headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert set(rows[0]) == {"sku", "name", "category", "price", "stock"}
    assert len(rows) == len(visitor.get("/api/reports/stock").json())


def test_streams_arrive(visitor):
    lines = visitor.get("/api/products/export").text.splitlines()
    assert json.loads(lines[0])["sku"].startswith("demo-")
    events = visitor.get("/api/reports/ratings/live").text
    counts = [json.loads(line[5:]) for line in events.splitlines() if line.startswith("data:")]
    assert counts == visitor.get("/api/reports/ratings").json()


def test_the_page_of_documentation_is_there(visitor):
    assert visitor.get("/api/docs").status_code == 200
    assert visitor.get("/api/openapi.json").json()["info"]["title"] == "The shop"
